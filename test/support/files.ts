import { findWaitingImports, workImport } from "../../src/imports/index.ts";
import { RECORDING } from "../../src/recording.ts";
import type { Answer, Client, Service } from "./service.ts";

export const CSV = { "content-type": "text/csv" };
export const NDJSON = { "content-type": "application/x-ndjson" };

/** Does the worker's part of what was received. */
export async function workImports(
  { tenancy }: Pick<Service, "tenancy">,
  logger?: NonNullable<Parameters<typeof workImport>[3]>["logger"],
): Promise<void> {
  for (const one of await findWaitingImports(tenancy)) while (await workImport(tenancy, RECORDING, one, { logger }));
}

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
  await workImports(service);
  const path = `/v1/imports/${posted.body.id}`;
  const { data } = (await client.get(`${path}/rejections?limit=100`)).body;
  return { posted, import: (await client.get(path)).body, rejections: data };
}
