export { eraseRejections, eraseRows, listChunks, listRowsOf, type RejectionPlace } from "./erasing.ts";
export type { ImportFormat } from "./model.ts";
export { toImportOptions } from "./options.ts";
export { findImport, listRejections } from "./queries.ts";
export { receiveImport } from "./receiving.ts";
export { findWaitingImports, workImport } from "./working.ts";
export { secondsImportsWait } from "./workQueries.ts";
