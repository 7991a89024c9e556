import { DrizzleQueryError } from "drizzle-orm";
import { pino } from "pino";
import t from "tap";
import { serializers } from "../../src/platform/logger.ts";
import { startService } from "../support/service.ts";

function logged(error: unknown): string {
  const lines: string[] = [];
  pino({ serializers }, { write: (line) => void lines.push(line) }).error({ err: error }, "failed");
  return lines.join("");
}

t.test("what a failed statement says of somebody's data is not logged", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const caller = { workspaceId: client.workspaceId, actor: { kind: "job", id: "test" }, requestId: null } as const;
  const failures = await Promise.all(
    [
      service.tenancy.inWorkspace(caller, (tx) =>
        tx.db.execute("insert into people (workspace_id, id, email) values (null, null, 'canary@example.com')"),
      ),
      client.rows("select 'canary@example.com'::int"),
    ].map((work) =>
      work.then(
        () => undefined,
        (error: unknown) => error,
      ),
    ),
  );
  failures.push(new DrizzleQueryError("select $1", ["canary@example.com"], new Error("connection lost")));
  for (const failure of failures) {
    t.ok(failure instanceof Error);
    const line = logged(failure);
    t.notMatch(line, /canary/);
    t.match(JSON.parse(line).err, { type: String, stack: Array });
  }
  t.match(logged(new Error("our own words")), /our own words/);
});
