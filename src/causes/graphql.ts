import { byId } from "../platform/byId.ts";
import { invalidRequest } from "../platform/errors.ts";
import { builder, parseId } from "../platform/graphql.ts";
import { createLoader } from "../platform/graphqlConnection.ts";
import { defineEnum, defineInput } from "../platform/graphqlInput.ts";
import { STRING_LENGTH_MAX } from "../platform/schema.ts";
import {
  IMPROVEMENT_STATUSES,
  type Improvement,
  ImprovementInputSchema,
  ImprovementStatusInputSchema,
  type RootCause,
  RootCauseInputSchema,
  ToldInputSchema,
} from "./model.ts";
import { listImprovements, listImprovementsById, listRootCauses, listRootCausesPage } from "./queries.ts";
import { createImprovement, type ImprovementSteps, markTold, putRootCause, setImprovementStatus } from "./service.ts";

/** A workspace has as many as it can oversee; beyond this they page by REST. */
const LISTED_MAX = 1_000;

const StatusEnum = defineEnum("ImprovementStatus", "How far an improvement is", IMPROVEMENT_STATUSES, {
  PROPOSED: "Suggested, and nothing decided; every improvement begins so",
  PLANNED: "Decided, and not begun",
  IN_PROGRESS: "Being worked on",
  SHIPPED: "Customers have it; cases parked on it came back",
  DROPPED: "It will not be done; cases parked on it came back",
});

const loadRootCause = createLoader(
  async (tx, keys) => new Map((await listRootCauses(tx, keys)).map((cause) => [cause.key, cause])),
);
export const loadImprovement = createLoader(async (tx, ids) => byId(await listImprovementsById(tx, ids)));

const RootCauseType = builder.objectRef<RootCause>("RootCause").implement({
  description: "A reason why customers are unhappy; many cases may share one",
  extensions: { scope: "cases:read" },
  fields: (t) => ({
    key: t.exposeString("key", { description: "Your name of it, unique in the workspace" }),
    label: t.exposeString("label", { description: "For people to read" }),
    parentKey: t.exposeString("parentKey", {
      nullable: true,
      description: "Key of the root cause it is a kind of; null for one of its own",
    }),
  }),
});

export const ImprovementType = builder.objectRef<Improvement>("Improvement").implement({
  description: "Something that is done about root causes; cases can be parked on it",
  extensions: { scope: "cases:read" },
  fields: (t) => ({
    id: t.exposeID("id", { description: "Our id, a UUID" }),
    version: t.exposeInt("version", { description: "Counts the changes, from 1 on" }),
    title: t.exposeString("title", { description: "What is to become better" }),
    status: t.field({
      type: StatusEnum,
      description: "How far it is, from PROPOSED to SHIPPED or DROPPED",
      resolve: ({ status }) => status,
    }),
    rootCauseKeys: t.exposeStringList("rootCauseKeys", { description: "Keys of the root causes that it is to remove" }),
    rootCauses: t.field({
      type: [RootCauseType],
      description: "The root causes that it is to remove",
      resolve: async ({ rootCauseKeys }, _args, context) => {
        const found = await Promise.all(rootCauseKeys.map((key) => loadRootCause(context, key)));
        return found.filter((cause) => cause !== null);
      },
    }),
    shippedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When it last shipped; null before it has",
      resolve: ({ shippedAt }) => shippedAt,
    }),
    createdAt: t.field({ type: "DateTime", description: "When it was proposed", resolve: (i) => i.createdAt }),
    updatedAt: t.field({
      type: "DateTime",
      description: "When anything of it last changed",
      resolve: (i) => i.updatedAt,
    }),
  }),
});

builder.queryFields((t) => ({
  rootCauses: t.field({
    type: [RootCauseType],
    description: "Every root cause, by key; at most 1,000",
    extensions: { scope: "cases:read" },
    resolve: (_root, _args, context) => context.read((tx) => listRootCausesPage(tx, LISTED_MAX - 1, undefined)),
  }),
  improvements: t.field({
    type: [ImprovementType],
    description: "Improvements, the newest first; at most 1,000",
    extensions: { scope: "cases:read" },
    args: {
      statuses: t.arg({ type: [StatusEnum], description: "Only those in any of these statuses; all when absent" }),
    },
    resolve: (_root, { statuses }, context) =>
      context.read((tx) => listImprovements(tx, statuses ?? undefined, { limit: LISTED_MAX - 1 })),
  }),
}));

const id = "UUID of the improvement; `not_found` where there is none";

/** As it may stand in the path of the REST call. */
function isKeyText(key: string): boolean {
  return key.trim() !== "" && key.length <= STRING_LENGTH_MAX;
}

/** The mutations; what else happens when an improvement moves is the composition root's to say. */
export function defineCauseMutations(steps: ImprovementSteps): void {
  const rootCause = defineInput(RootCauseInputSchema);
  const improvement = defineInput(ImprovementInputSchema);
  const status = defineInput(ImprovementStatusInputSchema);
  const told = defineInput(ToldInputSchema);
  const extensions = { scope: "cases:write" };

  builder.mutationFields((t) => ({
    putRootCause: t.field({
      type: RootCauseType,
      description: "Make a root cause, or change the one with this key",
      extensions,
      args: {
        key: t.arg.string({ required: true, description: "Your name of it, 1 to 255 characters" }),
        input: t.arg({ type: rootCause.ref, required: true, description: "What the root cause is from now on" }),
      },
      resolve: async (_root, args, context) => {
        const input = rootCause.read(args.input);
        if (!isKeyText(args.key)) throw invalidRequest([{ name: "key", reason: "must have 1 to 255 characters" }]);
        return (await context.write((tx) => putRootCause(tx, args.key, input))).rootCause;
      },
    }),
    createImprovement: t.field({
      type: ImprovementType,
      description: "Propose an improvement that is to remove root causes",
      extensions,
      args: { input: t.arg({ type: improvement.ref, required: true, description: "What the improvement is about" }) },
      resolve: (_root, args, context) => {
        const input = improvement.read(args.input);
        return context.write((tx) => createImprovement(tx, input));
      },
    }),
    setImprovementStatus: t.field({
      type: ImprovementType,
      description: "Move an improvement; cases parked on it come back when it ships or is dropped",
      extensions,
      args: {
        id: t.arg.id({ required: true, description: id }),
        input: t.arg({ type: status.ref, required: true, description: "The status it moves to" }),
      },
      resolve: (_root, args, context) => {
        const input = status.read(args.input);
        return context.write((tx) => setImprovementStatus(tx, parseId("id", args.id), input.status, steps));
      },
    }),
    markTold: t.field({
      type: ImprovementType,
      description: "Record who was told what became of an improvement; sent again, it changes nothing",
      extensions,
      args: {
        id: t.arg.id({ required: true, description: id }),
        input: t.arg({ type: told.ref, required: true, description: "The people who were told" }),
      },
      resolve: (_root, args, context) => {
        const input = told.read(args.input);
        return context.write((tx) => markTold(tx, parseId("id", args.id), input.personIds));
      },
    }),
  }));
}
