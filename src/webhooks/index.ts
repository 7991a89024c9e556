export { type DeliveringOptions, startDelivering } from "./delivering.ts";
export { secondsDeliveriesWait } from "./deliveryQueries.ts";
export { eraseEvents, eraseEventsPage, listDeliveriesOf, listEventsOf } from "./erasing.ts";
export { describeEvents, EVENT_TYPES, type EventType } from "./eventTypes.ts";
export { forgetDeliveries, forgetEvents } from "./forgetting.ts";
export { relayEvents } from "./relaying.ts";
export { secondsEventsWait } from "./relayQueries.ts";
export { secretsOf } from "./secrets.ts";
