export {
  buildRollups,
  countRecorded,
  findRollupsToBuild,
  foldRollups,
  maintainRollups,
  rebuildRollups,
  recountChanged,
} from "./rollups.ts";
