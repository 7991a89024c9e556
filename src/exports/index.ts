export { EXPORTED, type Exported } from "./resources.ts";
export { writeExport } from "./streaming.ts";
export { type ExportFormat, toText } from "./writing.ts";
