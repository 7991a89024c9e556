import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Known answers and sample data that lie beside the checkout; the suite passes without them. */
const FOLDER = new URL("../../../shared/", import.meta.url);

/** The text of a shared file, or undefined, with a printed line, where it is not there. */
export function readShared(name: string): string | undefined {
  const file = fileURLToPath(new URL(name, FOLDER));
  if (existsSync(file)) return readFileSync(file, "utf8");
  console.error(`skipped: ../shared/${name} is not there`);
  return undefined;
}
