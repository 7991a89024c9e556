export { NpsShiftSchema } from "./model.ts";
export { countRecorded, maintainRollups, rebuildRollups, recountChanged } from "./rollups.ts";
export { lookForShifts } from "./shifts.ts";
