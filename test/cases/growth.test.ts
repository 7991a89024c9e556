import { sql } from "drizzle-orm";
import t from "tap";
import { findCases } from "../../src/cases/followUp.ts";
import { idsOf } from "../../src/cases/writes.ts";
import { idsOfRespondents } from "../../src/people/index.ts";
import { skipOnCluster } from "../support/cluster.ts";
import { startService } from "../support/service.ts";

const OTHERS = 300;
/** Of the case, its answer, and what belongs to both. */
const ROWS_MAX = 20;

const skip = skipOnCluster("what is read is counted where it lies");
t.test(
  "what an answer touches is found among few rows, by plans that were made when there were fewer",
  { skip },
  async (t) => {
    // Plans are kept by connection.
    const service = await startService(t, { poolSize: 1 });
    const client = await service.newClient();
    const caller = { workspaceId: client.workspaceId, actor: { kind: "job" as const, id: "test" }, requestId: null };
    const answer = async (externalId: string) =>
      (await client.post("/v1/responses", { score: 3, person: { externalId } })).body;
    const first = await answer("first");

    const rowsRead = () =>
      service.tenancy.inWorkspace(caller, async (tx) => {
        const people = idsOfRespondents(tx, [{ person: { externalId: "first" } }]);
        const { touched } = await findCases(tx, people ?? idsOf([]), []);
        t.match(touched, [{ row: { id: first.case.id, clocks: [{ n: 1 }] }, responses: [{ id: first.id }] }]);
        const [read] = await tx.run<{
          rows: number;
        }>(sql`select sum(pg_stat_get_xact_tuples_returned(indexrelid)) as rows
        from pg_index where indrelid in ('cases'::regclass, 'case_clocks'::regclass, 'case_responses'::regclass, 'responses'::regclass)`);
        return Number(read?.rows);
      });
    t.ok((await rowsRead()) <= ROWS_MAX);
    await Promise.all(Array.from({ length: OTHERS }, (_, n) => answer(`other-${n}`)));
    // Else what the same connection has just read would be counted too.
    await service.tenancy.inWorkspace(caller, (tx) => tx.run(sql`select pg_stat_force_next_flush()`));
    const rows = await rowsRead();
    t.ok(rows > 0 && rows <= ROWS_MAX, `${rows} rows were read`);
  },
);
