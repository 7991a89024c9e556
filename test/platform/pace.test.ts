import t from "tap";
import { createPace, type Pace } from "../../src/platform/pace.ts";

/** Looks every 200 ms, with so many in hand, while so many end in each second. */
function work(pace: Pace, from: number, until: number, inHand: number, perSecond: number) {
  for (let now = from; now < until; now += 200) {
    for (let n = 0; n < perSecond / 5; n += 1) pace.ended();
    pace.look(now, inHand);
  }
}

const start = () => createPace(1_000, 50);
const UNKNOWN = Number.POSITIVE_INFINITY;

t.test("how many are answered in a while", async (t) => {
  t.test("is not known before there was enough to do all through the window", async (t) => {
    const pace = start();
    t.equal(pace.takesIn(4_000), UNKNOWN);
    work(pace, 0, 1_000, 500, 50);
    t.equal(pace.takesIn(4_000), UNKNOWN, "a burst of 0.8 s");
    work(pace, 1_000, 1_200, 500, 50);
    t.equal(pace.takesIn(4_000), 200, "50 a second for a second");
  });

  t.test("is not known of several bursts", async (t) => {
    const pace = start();
    for (let from = 0; from < 10_000; from += 1_000) {
      work(pace, from, from + 800, 500, 50);
      work(pace, from + 800, from + 1_000, 10, 50);
    }
    t.equal(pace.takesIn(4_000), UNKNOWN);
  });

  t.test("goes by the last second", async (t) => {
    const pace = start();
    work(pace, 0, 3_000, 500, 50);
    work(pace, 3_000, 4_200, 500, 1_000);
    t.equal(pace.takesIn(4_000), 4_000);
  });

  t.test("is never less than what says nothing", async (t) => {
    const pace = start();
    work(pace, 0, 3_000, 500, 5);
    t.equal(pace.takesIn(4_000), 100);
  });

  t.test("is what it was while there is a standstill", async (t) => {
    const pace = start();
    work(pace, 0, 3_000, 500, 50);
    work(pace, 3_000, 9_000, 500, 0);
    t.equal(pace.takesIn(20_000), 200, "less and less within the window, then no less");
    const fromTheStart = start();
    work(fromTheStart, 0, 3_000, 500, 0);
    t.equal(fromTheStart.takesIn(4_000), UNKNOWN);
  });

  t.test("is known for half a minute after the last time that there was enough to do", async (t) => {
    const pace = start();
    work(pace, 0, 2_000, 500, 50);
    work(pace, 2_000, 31_800, 10, 5);
    t.equal(pace.takesIn(4_000), 200, "and what little is done meanwhile says nothing");
    work(pace, 31_800, 32_000, 10, 5);
    t.equal(pace.takesIn(4_000), UNKNOWN);
  });

  t.test("is seen anew by as many as it lets in at the least", async (t) => {
    const pace = start();
    work(pace, 0, 2_000, 500, 5);
    const least = pace.takesIn(500);
    t.equal(least, 100);
    work(pace, 3_000, 4_200, least - 20, 1_000);
    t.equal(pace.takesIn(500), 500);
  });
});
