import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Both halves of the young generation: with more of it, V8 collects less often, and gives nothing of it back. */
const YOUNG_BYTES = 28 * 1024 * 1024;
/** Collecting takes 40 ms, so it is worth its time when so much has grown old since the last time. */
const GROWTH_BYTES_MIN = 24 * 1024 * 1024;

let collect: ((options: object) => void) | undefined;
let oldBytesThen = 0;

/**
 * Gives back what is not needed any more: of loading the program 180 MB of 300 (measured), which V8 would keep for good on a
 * machine with memory to spare. Takes 0.1 s then, and V8 forgets what it has compiled, so it is for before the work begins. From
 * then on the young generation keeps within its bounds, which by itself V8 lets grow to 128 MB.
 */
export function releaseMemory(): void {
  collectAll("last-resort");
  new PerformanceObserver(boundYoungGeneration).observe({ entryTypes: ["gc"] });
}

/**
 * To be called between the pages of a long piece of work: collects garbage when much of it has grown old. V8 by
 * itself lets the heap of such work grow by hundreds of megabytes before it looks.
 */
export function boundMemory(): void {
  if (oldBytes() > oldBytesThen + GROWTH_BYTES_MIN) collectAll("regular");
}

function collectAll(flavor: "regular" | "last-resort"): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as (options: object) => void;
  }
  collect({ type: "major", execution: "sync", flavor });
  oldBytesThen = oldBytes();
}

let growthFactor = 2;

/** V8 takes how large it may be at the start only, and by how much it grows each time: it may also become smaller. */
function boundYoungGeneration(): void {
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
  const wanted = young !== undefined && young.physical_space_size >= YOUNG_BYTES ? 1 : 2;
  if (wanted !== growthFactor) setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
  growthFactor = wanted;
}

/** What is used of all but the young generation. */
function oldBytes(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith("new_"));
  return old.reduce((sum, { space_used_size: used }) => sum + used, 0);
}
