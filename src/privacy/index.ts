export { eraseCopies, findRunningErasures } from "./copies.ts";
export { keepRetention } from "./retention.ts";
