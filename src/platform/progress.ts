const WIDTH = 30;

/** Draws how far something is, on one line that is written over again, where somebody looks. */
export function showProgress(what: string, done: number, all: number): void {
  if (!process.stderr.isTTY) return;
  const share = all === 0 ? 1 : Math.min(done / all, 1);
  const filled = Math.round(WIDTH * share);
  const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
  const numbers = `${done.toLocaleString("en")} of ${all.toLocaleString("en")}`;
  process.stderr.write(`\r${bar} ${numbers} ${what}${share === 1 ? "\n" : ""}`);
}
