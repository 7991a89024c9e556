import { RECORDING } from "../../src/app.ts";
import { workImports } from "../../src/imports/index.ts";
import type { Answer, Client, Service } from "./service.ts";

export const CSV = { "content-type": "text/csv" };
export const NDJSON = { "content-type": "application/x-ndjson" };

/** Imports a file and does the worker's part. @returns the answer to the upload, the import in the end, and its rejections */
export async function importFile(
  service: Service,
  client: Client,
  query: string,
  body: string | Buffer,
  headers: Record<string, string> = CSV,
): Promise<{ posted: Answer; import: any; rejections: { line: number; reason: string }[] }> {
  const posted = await client.post(`/v1/imports${query}`, body, headers);
  if (posted.status >= 300) return { posted, import: undefined, rejections: [] };
  while ((await workImports(service.tenancy, RECORDING)) > 0);
  const path = `/v1/imports/${posted.body.id}`;
  const { data } = (await client.get(`${path}/rejections?limit=100`)).body;
  return { posted, import: (await client.get(path)).body, rejections: data };
}
