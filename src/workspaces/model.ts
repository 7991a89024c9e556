import { type Static, Type } from "@sinclair/typebox";
import { Nullable, Strict } from "../platform/schema.ts";

/** What a credential may do. A route or field names one of these. */
export const SCOPES = [
  "responses:write",
  "responses:read",
  "people:write",
  "people:read",
  "cases:write",
  "cases:read",
  "aggregates:read",
  "sources:manage",
  "webhooks:manage",
  "privacy:manage",
  "workspace:manage",
] as const;
export type Scope = (typeof SCOPES)[number];

export interface Workspace {
  id: string;
  name: string;
  /** IANA name; days, weeks and months of every figure begin at its midnight. */
  timeZone: string;
}

const Days = Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: 36_500 })));

/** After how many days what is held about people goes; null or absent: it stays, or goes when the installation says. */
const RetentionSchema = Strict({
  /** Comments and properties of answers, from `respondedAt`. */
  commentDays: Days,
  /** Who a person is, from their last answer: then they are erased. */
  identityDays: Days,
  /** What sources have sent us, from its receipt. */
  receiptDays: Days,
  /** What endpoints were sent, from the event. */
  deliveryDays: Days,
});
export type Retention = Static<typeof RetentionSchema>;
