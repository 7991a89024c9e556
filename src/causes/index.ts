export { eraseTold, listTold } from "./erasing.ts";
export { type Improvement, isSettled } from "./model.ts";
export { keysBelow, listRootCauses, lockImprovement } from "./queries.ts";
export { getImprovement, type ImprovementSteps, requireRootCauses } from "./service.ts";
