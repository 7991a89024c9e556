import { readFile } from "node:fs/promises";

/** A fenced block of a page, with the output that is shown right after it. */
export interface Block {
  /** Page and line, for people to find it. */
  place: string;
  language: string;
  /** What stands behind the language: `no-run: why`, `exact`, or `verifies`. */
  info: string;
  code: string;
  /** The `json` block that follows it, before the next heading or block. */
  output: string | undefined;
}

/** The blocks of a page that say something to run, in order. */
export async function readBlocks(url: URL, page: string): Promise<Block[]> {
  const text = await readFile(url, "utf8");
  const fences = [...text.matchAll(/^```(\w*) ?(.*)\n([^]*?)^```$/gm)].map((match) => ({
    place: `${page}:${text.slice(0, match.index).split("\n").length}`,
    language: match[1] ?? "",
    info: match[2] ?? "",
    code: match[3] ?? "",
    end: match.index + match[0].length,
    start: match.index,
  }));
  return fences.flatMap((fence, index) => {
    if (["json", "jsonc", "mermaid", ""].includes(fence.language)) return [];
    const next = fences[index + 1];
    const isOutput = next?.language === "json" && !text.slice(fence.end, next.start).includes("\n#");
    const { place, language, info, code } = fence;
    return { place, language, info, code, output: isOutput ? next.code : undefined };
  });
}

type Shape = string | { [key: string]: Shape } | Shape[];

/** The keys and types of a value: of a list, those of what is in it, and of several kinds each once. */
export function shapeOf(value: unknown): Shape {
  if (value === null) return "null";
  if (Array.isArray(value)) {
    const kinds = new Map(value.map((item) => [JSON.stringify(shapeOf(item)), shapeOf(item)]));
    return [...kinds.values()];
  }
  if (typeof value !== "object") return typeof value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, shapeOf(item)]));
}

/**
 * Where the shown shape is not that of the output, by its path; nothing where they agree. What is null on either side
 * may be anything on the other, and a list may be empty or longer than the other.
 */
export function differences(shown: Shape, output: Shape, path = "$"): string[] {
  if (shown === "null" || output === "null") return [];
  if (Array.isArray(shown) && Array.isArray(output)) {
    if (shown.length === 0 || output.length === 0) return [];
    return shown.flatMap((item) => {
      const found = output.map((other) => differences(item, other, `${path}[]`));
      return found.some(({ length }) => length === 0) ? [] : (found[0] ?? []);
    });
  }
  if (typeof shown === "string" || typeof output === "string" || Array.isArray(shown) || Array.isArray(output)) {
    return shown === output ? [] : [`${path} is shown as ${kindOf(shown)} and is ${kindOf(output)}`];
  }
  return [...new Set([...Object.keys(shown), ...Object.keys(output)])].flatMap((key) => {
    const [a, b] = [shown[key], output[key]];
    if (a === undefined) return `${path}.${key} is not shown`;
    if (b === undefined) return `${path}.${key} is shown and not there`;
    return differences(a, b, `${path}.${key}`);
  });
}

function kindOf(shape: Shape): string {
  if (typeof shape === "string") return shape;
  return Array.isArray(shape) ? "list" : "object";
}

/** The last JSON in what a program has printed, also where it goes over several lines. */
export function lastJson(output: string): unknown {
  const lines = output.trimEnd().split("\n");
  for (let start = lines.length - 1; start >= 0; start -= 1) {
    try {
      return JSON.parse(lines.slice(start).join("\n"));
    } catch {
      // It begins further up.
    }
  }
  return undefined;
}
