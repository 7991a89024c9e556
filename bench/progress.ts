const WIDTH = 30;

/** Draws how far something is on the line of the terminal that it stands on. */
export function showProgress(what: string, done: number, all: number): void {
  const filled = Math.round((WIDTH * done) / all);
  const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
  process.stderr.write(
    `\r${bar} ${done.toLocaleString("en")} of ${all.toLocaleString("en")} ${what}${done >= all ? "\n" : ""}`,
  );
}
