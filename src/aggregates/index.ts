export { NpsShiftSchema } from "./model.ts";
export {
  buildRollups,
  countRecorded,
  findRollupsToBuild,
  foldRollups,
  maintainRollups,
  rebuildRollups,
  recountChanged,
} from "./rollups.ts";
export { lookForShifts } from "./shifts.ts";
