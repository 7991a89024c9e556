export {
  eraseReceipts,
  eraseStrayReceipts,
  listReceiptsOf,
  listSourceIds,
  type ReceiptPlace,
  removeOldReceipts,
} from "./erasing.ts";
