import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { problems } from "../platform/problem.ts";
import { Strict } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { EXPORTED, type Exported } from "./resources.ts";
import { streamExport } from "./streaming.ts";
import { EXPORT_TYPES, formatOf, toText } from "./writing.ts";

const FILE = {
  "application/x-ndjson": {
    schema: { type: "string", description: "A line of JSON each; also where nothing is asked for" },
  },
  "text/csv": { schema: { type: "string", description: "A header, and a row each; no cell is a formula" } },
};

/** A route for each kind of thing that can be exported. */
export function registerExportRoutes(app: Server, tenancy: Tenancy): void {
  for (const [name, exported] of Object.entries<Exported>(EXPORTED)) {
    const { scope, summary, parameters, columns, pages } = exported;
    app.get(
      `/v1/exports/${name}`,
      {
        config: { scope },
        schema: {
          operationId: `export${name.charAt(0).toUpperCase()}${name.slice(1)}`,
          summary,
          description:
            "Streamed from one snapshot, with the filters of the list, as NDJSON or by `Accept: text/csv` as CSV, in which no cell is taken for a formula. A failure on the way cuts the connection off, so that half a file is not taken for all of it. A few run at a time; one more is 503.",
          tags: ["Exports"],
          querystring: Strict(parameters),
          response: { 200: { description: "All of it, as of one moment", content: FILE }, ...problems(400) },
        },
      },
      async (request, reply) => {
        const format = formatOf(request.headers.accept);
        void reply
          .type(EXPORT_TYPES[format])
          .header("vary", "accept")
          .header("content-disposition", `attachment; filename="${name}.${format}"`);
        // All would be read, and nothing of it sent.
        if (request.method === "HEAD") return reply.send();
        const stream = await streamExport(tenancy, callerOf(request), (tx) =>
          toText(pages(tx, request.query), format, columns),
        );
        return reply.send(stream);
      },
    );
  }
}
