import { setImmediate as nextTurn } from "node:timers/promises";
import t from "tap";
import { ahead } from "../../src/platform/pages.ts";

t.test("the page that is read ahead is waited for where nobody reads on: its transaction ends then", async (t) => {
  const letGo = Promise.withResolvers<void>();
  const said: string[] = [];
  async function* pages() {
    yield 1;
    await letGo.promise;
    said.push("read");
    yield 2;
  }
  const reader = ahead(pages());
  t.same(await reader.next(), { done: false, value: 1 });
  const ended = reader.return(undefined).then(() => said.push("ended"));
  await nextTurn();
  t.same(said, []);
  letGo.resolve();
  await ended;
  t.same(said, ["read", "ended"]);
});
