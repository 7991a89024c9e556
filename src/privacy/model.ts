import { type Static, Type } from "@sinclair/typebox";
import { PersonSchema } from "../people/index.ts";
import { DateTime, Id, Nullable, OneOf, ref, Strict } from "../platform/schema.ts";

const CountsSchema = Type.Record(Type.String(), Type.Integer({ minimum: 0 }), {
  description: "How much was erased of each: responses, cases, activities, events, deliveries, receipts and so on",
});
/** How much was erased of each, by the names that an export has for the same. */
export type Counts = Record<string, number>;

const ERASURE_STATUSES = ["RUNNING", "DONE"] as const;

export const ErasureSchema = Strict(
  {
    id: Id("Its id"),
    status: OneOf(ERASURE_STATUSES, {
      description: "RUNNING: the person is gone, and copies are still looked for; DONE: those are gone too",
    }),
    counts: CountsSchema,
    requestedAt: DateTime("When the person was erased"),
    finishedAt: Nullable(DateTime("When the last copy was gone")),
  },
  { $id: "Erasure", description: "The receipt of an erasure: it says how much went, and not whose it was" },
);
export type Erasure = Static<typeof ErasureSchema>;

export const ErasureStartedSchema = Strict(
  { erasureId: Id("Where its receipt is read: `GET /v1/erasures/{id}`"), counts: CountsSchema },
  { $id: "ErasureStarted", description: "The person is gone; copies are still looked for" },
);

const Held = (description: string) => Type.Array(Type.Record(Type.String(), Type.Unknown()), { description });

export const PersonExportSchema = Strict(
  {
    exportedAt: DateTime("The moment as of which it is"),
    person: ref(PersonSchema),
    responses: Held("Their answers, as they are read"),
    exclusions: Held("When an answer of theirs was taken out of the aggregates, and why"),
    cases: Held("Cases about them, with their clocks"),
    activities: Held("What was done about those cases, with what somebody wrote"),
    commitments: Held("What was promised to them"),
    references: Held("Tickets about them in other systems"),
    told: Held("Improvements they were told of"),
    events: Held("What other systems were told about them"),
    deliveries: Held("To which endpoints that was sent, and what those answered"),
    receipts: Held("What survey tools have sent about them, as it came"),
    importRows: Held("Rows of files about them that are still to be recorded"),
    idempotencyKeys: Held("Answers to requests about them that are kept for when the request comes again"),
  },
  { $id: "PersonExport", description: "Everything that is held about one person" },
);
export type PersonExport = Static<typeof PersonExportSchema>;
