import { readdir, readFile, stat } from "node:fs/promises";
import t from "tap";
import { ERROR_STATUS } from "../../src/platform/errors.ts";

const ROOT = new URL("../../", import.meta.url);
const textOf = (url: URL) => readFile(url, "utf8");

const isThere = async (url: URL) =>
  stat(url).then(
    () => true,
    () => false,
  );

t.test("the pages lead to places that are there", async (t) => {
  const names = (await readdir(new URL("docs/", ROOT), { recursive: true })).filter((name) => name.endsWith(".md"));
  const pages = ["README.md", "src/README.md", ...names.map((name) => `docs/${name}`)];
  for (const page of pages) {
    const here = new URL(page, ROOT);
    const prose = (await textOf(here)).replaceAll(/^```[^]*?^```$/gm, "");
    for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const url = new URL(target, here);
      const [place = ""] = url.href.split("#");
      const isFound = await isThere(new URL(place));
      t.ok(isFound, `${page} leads to ${target}`);
      if (!isFound || url.hash === "") continue;
      const headings = [...(await textOf(new URL(place))).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
          .replaceAll(" ", "-"),
      );
      t.ok(headings.includes(decodeURIComponent(url.hash.slice(1))), `${page} leads to ${target}`);
    }
  }
});

t.test("the files that they name are there", async (t) => {
  const names = (await readdir(new URL("docs/", ROOT), { recursive: true })).filter((name) => name.endsWith(".md"));
  for (const page of ["README.md", "CONTRIBUTING.md", "src/README.md", ...names.map((name) => `docs/${name}`)]) {
    for (const [, path = ""] of (await textOf(new URL(page, ROOT))).matchAll(
      /\b((?:src|test|bench|docs)\/[\w/-]+\.ts)\b/g,
    )) {
      t.ok(await isThere(new URL(path, ROOT)), `${page} names ${path}`);
    }
  }
});

t.test("every error that a caller can meet has advice", async (t) => {
  const advice = await textOf(new URL("docs/integrating.md", ROOT));
  for (const code of Object.keys(ERROR_STATUS)) t.match(advice, `| \`${code}\` |`, `${code} has advice`);
});
