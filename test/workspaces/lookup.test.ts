import t from "tap";
import { createLookup } from "../../src/workspaces/lookup.ts";

/** What is looked up, each time answered by the test. */
function start() {
  const looks: PromiseWithResolvers<{ n: number } | undefined>[] = [];
  const time = { now: 1_000_000 };
  const lookup = createLookup(
    async () => {
      const look = Promise.withResolvers<{ n: number } | undefined>();
      looks.push(look);
      return look.promise;
    },
    () => time.now,
  );
  const find = async (n: number) => {
    const found = lookup.find("a");
    looks.at(-1)?.resolve({ n });
    return found;
  };
  return { lookup, looks, time, find };
}
/** What follows an answer has run. */
const settled = async () => new Promise((resolve) => setImmediate(resolve));

t.test("what every request asks for", async (t) => {
  t.test("is looked up once for all who ask at once, and known from then on", async (t) => {
    const { lookup, looks } = start();
    t.equal(lookup.known("a"), undefined);
    const asked = [lookup.find("a"), lookup.find("a"), lookup.find("b")];
    t.equal(looks.length, 2);
    looks[0]?.resolve({ n: 1 });
    looks[1]?.resolve(undefined);
    t.same(await Promise.all(asked), [{ n: 1 }, { n: 1 }, undefined]);
    t.same(lookup.known("a"), { n: 1 });
    t.equal(lookup.known("b"), undefined, "what is not there is looked up each time");
    t.equal(looks.length, 2);
  });

  t.test("is renewed beside, and nobody waits for it", async (t) => {
    const { lookup, looks, time, find } = start();
    await find(1);
    time.now += 9_999;
    t.same(lookup.known("a"), { n: 1 });
    t.equal(looks.length, 1);
    time.now += 1;
    t.same(lookup.known("a"), { n: 1 });
    t.same(lookup.known("a"), { n: 1 });
    t.equal(looks.length, 2, "once");
    looks[1]?.resolve({ n: 2 });
    await settled();
    t.same(lookup.known("a"), { n: 2 });
  });

  t.test("is used for 25 s from when its look-up began, however long that took and whatever fails", async (t) => {
    const { lookup, looks, time } = start();
    const found = lookup.find("a");
    time.now += 5_000;
    looks[0]?.resolve({ n: 1 });
    await found;
    time.now += 15_000;
    t.same(lookup.known("a"), { n: 1 });
    looks[1]?.reject(new Error("no database"));
    await settled();
    time.now += 4_999;
    t.same(lookup.known("a"), { n: 1 });
    t.equal(looks.length, 3, "one that failed is made again");
    time.now += 2;
    t.equal(lookup.known("a"), undefined);
  });

  t.test("is forgotten where it is no longer there", async (t) => {
    const { lookup, looks, time, find } = start();
    await find(1);
    time.now += 10_000;
    t.same(lookup.known("a"), { n: 1 });
    looks[1]?.resolve(undefined);
    await settled();
    t.equal(lookup.known("a"), undefined);
  });

  t.test("is found anew beside one that is under way", async (t) => {
    const { lookup, looks } = start();
    const slow = lookup.find("a");
    const anew = lookup.findAnew("a");
    looks[1]?.resolve({ n: 2 });
    t.same(await anew, { n: 2 });
    looks[0]?.resolve({ n: 1 });
    t.same(await slow, { n: 1 });
  });
});
