import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { createTurns } from "../../src/platform/turns.ts";

t.test("turns", async (t) => {
  t.test("are taken by so many at once of each workspace, in the order in which they came", async (t) => {
    const inTurn = createTurns(2);
    const letGo = Promise.withResolvers<void>();
    const begun: string[] = [];
    const ask = async (workspace: string, n: number) =>
      inTurn(workspace, async () => {
        begun.push(`${workspace}-${n}`);
        await letGo.promise;
        return n;
      });
    const asked = [1, 2, 3, 4].map(async (n) => ask("a", n)).concat(ask("b", 5));
    await sleep(10);
    t.same(begun, ["a-1", "a-2", "b-5"]);
    letGo.resolve();
    t.same(await Promise.all(asked), [1, 2, 3, 4, 5]);
    t.same(begun, ["a-1", "a-2", "b-5", "a-3", "a-4"]);
  });

  t.test("come to the next one when one has failed", async (t) => {
    const inTurn = createTurns(1);
    const failing = inTurn("a", async () => {
      throw new Error("no");
    });
    const next = inTurn("a", async () => "done");
    await t.rejects(failing, { message: "no" });
    t.equal(await next, "done");
  });

  t.test("are refused to who has waited too long, and nothing is begun", async (t) => {
    const inTurn = createTurns(1, 20);
    const letGo = Promise.withResolvers<void>();
    const first = inTurn("a", () => letGo.promise);
    let begun = 0;
    const second = inTurn("a", async () => {
      begun += 1;
    });
    await sleep(40);
    letGo.resolve();
    await first;
    await t.rejects(second, { code: "unavailable" });
    t.equal(begun, 0);
    t.equal(await inTurn("a", async () => "as before"), "as before");
  });
});
