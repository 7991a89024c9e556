export { eraseRejections, eraseRows, listChunks, listRowsOf } from "./erasing.ts";
export type { ImportFormat } from "./model.ts";
export { toImportOptions } from "./options.ts";
export { findImport, listRejections, secondsImportsWait } from "./queries.ts";
export { receiveImport } from "./receiving.ts";
export { findWaitingImports, workImport, workImports } from "./working.ts";
