export { listThemes } from "./queries.ts";
export { applyThemes, tagChanged, tagRecorded } from "./service.ts";
