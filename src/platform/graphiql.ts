import { AppError } from "./errors.ts";
import type { Server } from "./http.ts";

/** The whole page is one file: it loads nothing, and sends what is typed into it to this server alone. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  "worker-src blob:",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "font-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const QUERY = `# The key goes into the headers below; one with the scope workspace:manage shows the schema.
{
  nps { npsRounded answered interval { low high } }
}
`;

/**
 * `GET /graphiql`: GraphiQL, for people who try out queries; not for production. The page is public and holds nobody's
 * data: what it asks, it asks at `/graphql` with the key that is typed into its headers, which are not kept.
 */
export function registerGraphiql(app: Server): void {
  app.get("/graphiql", { config: { scope: "public" }, schema: { hide: true } }, async (_request, reply) =>
    reply
      .headers({ "content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "no-referrer" })
      .type("text/html; charset=utf-8")
      .send(await renderPage()),
  );
}

/** As the page's own script gives them to GraphiQL. */
const OPTIONS = {
  endpoint: "/graphql",
  headers: JSON.stringify({ Authorization: "Bearer " }),
  shouldPersistHeaders: false,
  defaultEditorToolsVisibility: "headers",
  defaultQuery: QUERY,
};

/** Loaded when it is first asked for: it is nine megabytes, and one of the tools of development. */
async function renderPage(): Promise<string> {
  const { css, editorWorkerService, favicon, graphqlWorker, js, jsonWorker } = await import(
    "@graphql-yoga/render-graphiql/graphiql"
  ).catch(() => {
    throw new AppError("not_found", "GraphiQL is a development dependency, and those are not installed here.");
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Afterscore GraphiQL</title>
<link rel="icon" href="${favicon}">
<style>${css}</style>
</head>
<body>
<div id="root"></div>
<script>
const toUrl = (script) => URL.createObjectURL(new Blob([script], { type: "application/javascript" }));
const workers = {
  editorWorkerService: toUrl(${toScript(editorWorkerService)}),
  json: toUrl(${toScript(jsonWorker)}),
  graphql: toUrl(${toScript(graphqlWorker)}),
};
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => workers[label] };
${js}
YogaGraphiQL.renderYogaGraphiQL(document.getElementById("root"), ${toScript(OPTIONS)});
</script>
</body>
</html>
`;
}

/** A value as it may stand in a script of a page: nothing in it ends the script. */
function toScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("</", "<\\/");
}
