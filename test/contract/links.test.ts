import { readdir, readFile, stat } from "node:fs/promises";
import t from "tap";
import { ERROR_STATUS } from "../../src/platform/errors.ts";

const ROOT = new URL("../../", import.meta.url);
const textOf = (url: URL) => readFile(url, "utf8");

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
      const isThere = await stat(new URL(place)).then(
        () => true,
        () => false,
      );
      t.ok(isThere, `${page} leads to ${target}`);
      if (!isThere || url.hash === "") continue;
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

t.test("every error that a caller can meet has advice", async (t) => {
  const advice = await textOf(new URL("docs/integrating.md", ROOT));
  for (const code of Object.keys(ERROR_STATUS)) t.match(advice, `| \`${code}\` |`, `${code} has advice`);
});
