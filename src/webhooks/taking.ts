import type { EndpointFilter } from "./model.ts";

/** As much of an endpoint as says which events it takes. */
export interface Taker {
  id: string;
  eventTypes: readonly string[];
  filter: EndpointFilter;
}

/** What the terms of a filter are about, as bodies of events have it. */
interface Told {
  response?: Answer & { survey: { key: string }; account: Segment };
  case?: { responses: (Answer & { surveyKey: string })[]; account: Segment; priority: string; assignee: string | null };
  endpoint?: { id: string };
}
type Segment = { segment: string | null } | null;
interface Answer {
  category: string;
  dangerZone: boolean;
}

/** Whether `takes` has to know the body to say. */
export function dependsOnData({ filter }: Pick<Taker, "filter">, type: string): boolean {
  return Object.keys(filter).length > 0 || type === "endpoint.disabled";
}

/**
 * Says whether an endpoint takes an event: it is of its types, and all given terms of its filter hold. A term about
 * something that the event does not have, like the assignee of a response, does not hold. Of a case, terms about
 * answers mean any of its answers, as they do where cases are listed.
 * @param data the body's `data`; may be left out where nothing depends on it
 */
export function takes(endpoint: Taker, type: string, data: object = {}): boolean {
  if (!endpoint.eventTypes.includes(type)) return false;
  // Of an erased one nothing is left to say.
  const { response, case: followUp, endpoint: told } = ("erased" in data ? {} : data) as Told;
  // It would be told by what does not work.
  if (type === "endpoint.disabled" && told?.id === endpoint.id) return false;
  const { surveyKeys, segments, categories, dangerZone, priorities, assignees } = endpoint.filter;
  const answers = response === undefined ? followUp?.responses : [{ ...response, surveyKey: response.survey.key }];
  const isAmong = (values: readonly string[], value: string | null | undefined) =>
    value != null && values.includes(value);
  return (
    (surveyKeys === undefined || answers?.some(({ surveyKey }) => isAmong(surveyKeys, surveyKey)) === true) &&
    (segments === undefined || isAmong(segments, (response ?? followUp)?.account?.segment)) &&
    (categories === undefined || answers?.some(({ category }) => isAmong(categories, category)) === true) &&
    (dangerZone === undefined || answers?.some((answer) => answer.dangerZone) === dangerZone) &&
    (priorities === undefined || isAmong(priorities, followUp?.priority)) &&
    (assignees === undefined || isAmong(assignees, followUp?.assignee))
  );
}
