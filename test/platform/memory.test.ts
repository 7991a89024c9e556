import { execFile } from "node:child_process";
import { promisify } from "node:util";
import t from "tap";

const MEMORY = new URL("../../src/platform/memory.ts", import.meta.url).href;

/** What a process of its own holds at the most of either generation, in MB, while it does the work again and again. */
async function peakOf(work: string): Promise<{ young: number; old: number }> {
  const script = `
    import { setImmediate as nextTurn } from "node:timers/promises";
    import { getHeapSpaceStatistics } from "node:v8";
    const { boundMemory, releaseMemory } = await import(${JSON.stringify(MEMORY)});
    const held = (isYoung) => getHeapSpaceStatistics()
      .filter(({ space_name: name }) => name.startsWith("new_") === isYoung)
      .reduce((sum, { physical_space_size: bytes }) => sum + bytes / 1e6, 0);
    const peak = { young: 0, old: 0 };
    let kept = [];
    for (let round = 0; round < 150; round += 1) {
      ${work}
      peak.young = Math.max(peak.young, held(true));
      peak.old = Math.max(peak.old, held(false));
      await nextTurn();
    }
    console.log(JSON.stringify(peak));`;
  // By way of env, because the test runner adds hooks of its own to every node that is spawned by name.
  const command = ["-i", process.execPath, "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)("env", command);
  return JSON.parse(stdout);
}

const ROWS = "kept = Array.from({ length: 40_000 }, (_, n) => ({ n, text: 'x' + n }));";
/** Each long enough to have grown old when it is forgotten. */
const PAGES = "kept.push(Array.from({ length: 100_000 }, (_, n) => ({ n }))); if (kept.length > 4) kept.shift();";

t.test("the memory of long work", async (t) => {
  t.test("that is young stays as large as it pays", async (t) => {
    const [bound, free] = await Promise.all([peakOf(`if (round === 0) releaseMemory(); ${ROWS}`), peakOf(ROWS)]);
    t.ok(bound.young < free.young * 0.7, `${bound.young} MB, by itself it would be ${free.young}`);
  });

  t.test("that has grown old is collected before there is much of it", async (t) => {
    const [bound, free] = await Promise.all([peakOf(`${PAGES} boundMemory();`), peakOf(PAGES)]);
    t.ok(bound.old < free.old * 0.8, `${bound.old} MB, by itself it would be ${free.old}`);
  });
});
