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
