// A process of its own that asks /livez for so many seconds, so that what the load costs its sender is not counted.
import { setTimeout as sleep } from "node:timers/promises";
import { send } from "./http.ts";

const [, , url = "", seconds = ""] = process.argv;
const took: number[] = [];
for (const until = performance.now() + Number(seconds) * 1_000; performance.now() < until; await sleep(20)) {
  const sentAt = performance.now();
  await send(`${url}/livez`);
  took.push(performance.now() - sentAt);
}
console.log(JSON.stringify(took));
process.exit();
