import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LINES_MAX = 300;

/** What each slice may import from: itself, these, and nothing else. Only this table says so. */
const MAY_IMPORT: Record<string, string[]> = {
  platform: [],
  scoring: [],
  workspaces: ["platform"],
  people: ["platform", "workspaces"],
  surveys: ["platform", "workspaces"],
  responses: ["platform", "scoring", "workspaces", "people", "surveys"],
  causes: ["platform", "workspaces", "people"],
  cases: ["platform", "scoring", "workspaces", "people", "surveys", "responses", "causes"],
  intake: ["platform", "workspaces", "people", "surveys", "responses"],
  themes: ["platform", "workspaces", "responses"],
  imports: ["platform", "workspaces", "people", "surveys", "responses"],
  exports: ["platform", "scoring", "workspaces", "people", "surveys", "responses", "cases"],
  webhooks: ["platform", "scoring", "workspaces", "responses"],
  privacy: [
    "platform",
    "workspaces",
    "people",
    "surveys",
    "responses",
    "causes",
    "cases",
    "intake",
    "imports",
    "webhooks",
  ],
  aggregates: ["platform", "scoring", "workspaces", "people", "surveys", "responses", "causes", "cases", "themes"],
};
/** The doors of a slice: everybody's, and those of the same adapter in a later slice. */
const DOORS = new Set(["index.ts", "graphql.ts", "graphqlEnums.ts", "graphqlFilter.ts"]);

const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join(ROOT, "src", name), "utf8") }));

const imports = files.flatMap(({ name, text }) =>
  [...text.matchAll(/(?:from|import) "(\.[^"]+)"/g)].map(([, target = ""]) => ({
    from: name,
    to: normalize(join(dirname(name), target)),
  })),
);

const sliceOf = (name: string) => (name.includes("/") ? name.slice(0, name.indexOf("/")) : undefined);

t.test("a slice imports only the slices before it, by their doors", async (t) => {
  t.ok(files.length > 50 && imports.length > 150, `saw ${files.length} modules and ${imports.length} imports`);
  const slices = new Set(files.map(({ name }) => sliceOf(name)).filter((slice) => slice !== undefined));
  t.same([...slices].toSorted(), Object.keys(MAY_IMPORT).toSorted(), "every folder of src/ is a slice in the table");
  for (const { from, to } of imports) {
    const [slice, target] = [sliceOf(from), sliceOf(to)];
    if (slice === undefined || slice === target) continue;
    t.ok(target !== undefined && MAY_IMPORT[slice]?.includes(target), `${from} imports ${to}`);
    if (target !== "platform") t.ok(DOORS.has(relative(target ?? "", to)), `${from} imports ${to} past its door`);
  }
});

t.test("only the entry points know every slice", async (t) => {
  const roots = files.map(({ name }) => name).filter((name) => sliceOf(name) === undefined);
  t.same(roots.toSorted(), [
    "apiDocument.ts",
    "app.ts",
    "commandLine.ts",
    "commands.ts",
    "main.ts",
    "program.ts",
    "recording.ts",
    "runtime.ts",
    "serve.ts",
    "transfer.ts",
    "worker.ts",
  ]);
});

t.test("scoring does no I/O: it imports nothing", async (t) => {
  for (const { name, text } of files) {
    if (sliceOf(name) === "scoring") t.notMatch(text, /from "[^.]/, name);
  }
});

t.test("files stay short", async (t) => {
  for (const { name, text } of files) t.ok(text.split("\n").length <= LINES_MAX, name);
});

t.test("each thing is done in one place", async (t) => {
  const only = (pattern: RegExp, ...allowed: string[]) => {
    const users = files.filter(({ text }) => pattern.test(text)).map(({ name }) => name);
    t.same(
      users.filter((name) => !allowed.includes(name)),
      [],
      String(pattern),
    );
    t.ok(users.length > 0, `${pattern} is still in use`);
  };
  only(/process\.env/, "platform/config.ts");
  only(/new Pool\(/, "platform/database.ts");
  only(/new Client\(/, "platform/migrate.ts", "platform/embeddedPostgres.ts");
  only(
    /\.connect\(\)/,
    "platform/tenancy.ts",
    "platform/distribute.ts",
    "platform/migrate.ts",
    "platform/embeddedPostgres.ts",
    "workspaces/deletion.ts",
  );
  only(/\bv7\(/, "platform/ids.ts");
  only(/"pg-boss"/, "platform/jobStore.ts", "platform/jobs.ts");
  only(/app\.workspace_id/, "platform/beginning.ts");
  only(/console\./, "commands.ts", "program.ts", "serve.ts");
  for (const { name, text } of files) t.notMatch(text, /export default|pgEnum/, name);
});

t.test("raw SQL begins with a comment that names its function", async (t) => {
  const statements = files.flatMap(({ name, text }) =>
    [...text.matchAll(/\.(?:run|prepared|later)(?:<[^(]+>)?\(\s*sql`(.{0,40})/gs)].map(([, start]) => ({
      name,
      start,
    })),
  );
  t.ok(statements.length >= 100, `saw ${statements.length} statements`);
  for (const { name, start } of statements) t.match(start, /^\/\* [a-z]+\.[a-zA-Z]+ \*\//, name);
});
