import { readFile } from "node:fs/promises";
import { buildSchema } from "graphql";
import type { Call } from "./asking.ts";
import { FIELDS } from "./fields.ts";
import type { Ids } from "./things.ts";

const schema = buildSchema(await readFile(new URL("../../../openapi/schema.graphql", import.meta.url), "utf8"));
/** Every field of Query and Mutation, by type and name. */
export const DOCUMENTED_FIELDS = new Map(
  [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.values(type?.getFields() ?? {}).map(
      (field) => [`${String(type)}.${field.name}`, field] as [string, typeof field],
    ),
  ),
);

/** The request for one field, with its variables typed as the schema has them. */
export function fieldCallOf(place: string, ids: Ids): Call {
  const [type = "", name = ""] = place.split(".");
  const { variables = () => ({}), select } = FIELDS[place] ?? { select: "" };
  const values = variables(ids);
  const args = (DOCUMENTED_FIELDS.get(place)?.args ?? []).filter((arg) => arg.name in values);
  const types = args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(", ");
  const given = args.map((arg) => `${arg.name}: $${arg.name}`).join(", ");
  const list = (text: string) => (text === "" ? "" : `(${text})`);
  const query = `${type.toLowerCase()} ${list(types)} { ${name}${list(given)} ${select} }`;
  return { method: "POST", url: "/graphql", body: { query, variables: values } };
}
