export { countRecorded, maintainRollups, rebuildRollups, recountChanged } from "./rollups.ts";
