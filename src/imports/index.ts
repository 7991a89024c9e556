export { workImports } from "./working.ts";
