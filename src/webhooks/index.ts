export { relayEvents } from "./relaying.ts";
