import { type Static, Type } from "@sinclair/typebox";
import { DateTime, Id, Nullable, OneOf, Strict, Text } from "../platform/schema.ts";

export const RootCauseInputSchema = Strict(
  {
    label: Text({ description: "For people to read" }),
    parentKey: Type.Optional(
      Nullable(Text({ description: "Key of the root cause it is a kind of; absent: as it was, null: none" })),
    ),
  },
  { $id: "RootCauseInput", description: "A reason why customers are unhappy" },
);
export type RootCauseInput = Static<typeof RootCauseInputSchema>;

export const RootCauseSchema = Strict(
  {
    key: Type.String({ description: "Your name of it" }),
    label: Type.String({ description: "For people to read" }),
    parentKey: Nullable(Type.String({ description: "The root cause it is a kind of" })),
  },
  { $id: "RootCause", description: "A reason why customers are unhappy; one joins many cases" },
);
export type RootCause = Static<typeof RootCauseSchema>;

export const IMPROVEMENT_STATUSES = ["PROPOSED", "PLANNED", "IN_PROGRESS", "SHIPPED", "DROPPED"] as const;
export type ImprovementStatus = (typeof IMPROVEMENT_STATUSES)[number];

/** An improvement that will not change any more: what waits for it comes back. */
export function isSettled(status: ImprovementStatus): boolean {
  return status === "SHIPPED" || status === "DROPPED";
}

const CAUSES_MAX = 100;
const TOLD_MAX = 1_000;

export const ImprovementInputSchema = Strict(
  {
    title: Text({ description: "What is to become better" }),
    rootCauseKeys: Type.Array(Text(), { maxItems: CAUSES_MAX, description: "Keys of the root causes it is to remove" }),
  },
  { $id: "ImprovementInput", description: "Something that is done about root causes" },
);
export type ImprovementInput = Static<typeof ImprovementInputSchema>;

export const ImprovementStatusInputSchema = Strict(
  { status: OneOf(IMPROVEMENT_STATUSES, { description: "The status it moves to" }) },
  { $id: "ImprovementStatusInput", description: "How far it is; SHIPPED and DROPPED bring parked cases back" },
);

export const ToldInputSchema = Strict(
  { personIds: Type.Array(Id(), { maxItems: TOLD_MAX, description: "Our ids of the people who were told" }) },
  { $id: "ToldInput", description: "People who were told what became of their feedback" },
);

export const ImprovementSchema = Strict(
  {
    id: Id("Its id"),
    version: Type.Integer({ description: "Counts the changes" }),
    title: Type.String({ description: "What is to become better" }),
    status: OneOf(IMPROVEMENT_STATUSES, { description: "How far it is" }),
    rootCauseKeys: Type.Array(Type.String(), { description: "The root causes it is to remove" }),
    shippedAt: Nullable(DateTime("When it last shipped")),
    createdAt: DateTime("When it was proposed"),
    updatedAt: DateTime("When it last changed"),
  },
  { $id: "Improvement", description: "Something that is done about root causes" },
);
export type Improvement = Static<typeof ImprovementSchema>;
