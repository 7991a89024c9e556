import { given } from "../platform/json.ts";
import { toInstant } from "../platform/schema.ts";
import type { WorkspaceTx } from "../platform/tenancy.ts";
import { changeResponse, type RecordingOptions, type RecordingSteps } from "../responses/index.ts";
import { asIgnored, parseDelivery, readDelivery, type Settled, settledReceipt } from "./deliveries.ts";
import { listWaitingReceipts, saveReceipt } from "./queries.ts";
import type { Answer } from "./reading.ts";
import type { ReceiptRow, SourceRow } from "./table.ts";

/** What may come in an event of its own, without the score. */
const PARTS = ["comment", "followUpRequested"] as const;
type Part = (typeof PARTS)[number];

/** An event of one answer: what it says, and when it came. */
interface Said {
  fields: Answer["fields"];
  receivedAt: Date;
}

interface Waiting extends Said {
  receipt: ReceiptRow;
  hasScore: boolean;
}

/**
 * Gives an answer that was recorded just now the parts that came before its score. Of each part what was said last
 * holds: by the tool's own times, and by their arrival where it gives none.
 */
export async function takeUpWaiting(
  tx: WorkspaceTx,
  source: SourceRow,
  recorded: Said & { externalId: string; responseId: string },
  { steps, options }: { steps: RecordingSteps; options: RecordingOptions },
): Promise<void> {
  const { externalId, responseId } = recorded;
  const receipts = await listWaitingReceipts(tx, source.id, externalId);
  if (receipts.length === 0) return;
  const waiting: Waiting[] = [];
  for (const receipt of receipts) {
    const { receivedAt } = receipt;
    const { answer, ignored } = readDelivery(
      source,
      await parseDelivery(receipt.body, receipt.headers, receivedAt, source.vendor),
    );
    if (answer === undefined) await save(tx, receipt, ignored);
    // By the mapping of today it may be of another answer, or bring a score: then it is left to be replayed, with its time.
    else if (answer.externalId === externalId)
      waiting.push({ receipt, receivedAt, fields: answer.fields, hasScore: answer.score !== null });
  }

  const said = [...waiting, recorded].toSorted((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime());
  const last = PARTS.map((part) => lastOf(part, said));
  const parts = PARTS.flatMap((part, n) => {
    const { [n]: one = recorded } = last;
    return one === recorded ? [] : [[part, one.fields[part]]];
  });
  const change = {
    ...Object.fromEntries(parts),
    ...given({ updatedAt: newestOf(said.filter((one) => !("hasScore" in one && one.hasScore))) }),
  };
  const settled = await tx
    .attempt(async () => changeResponse(tx, responseId, change, steps, options))
    .then((): Settled => ({ outcome: "UPDATED" }), asIgnored);
  for (const one of waiting.filter(({ hasScore }) => !hasScore)) {
    const became: Settled = last.includes(one)
      ? settled
      : { outcome: "DUPLICATE", reason: "what is stored is as new or newer" };
    await save(tx, one.receipt, { ...became, responseId, externalId });
  }
}

async function save(tx: WorkspaceTx, receipt: ReceiptRow, settled: Settled): Promise<void> {
  await saveReceipt(tx, settledReceipt(tx, receipt, settled));
}

function lastOf(part: Part, said: readonly Said[]): Said | undefined {
  return said
    .filter(({ fields }) => fields[part] !== undefined)
    .reduce<Said | undefined>(
      (last, one) => (isOlder(one.fields.updatedAt, last?.fields.updatedAt) ? last : one),
      undefined,
    );
}

function newestOf(said: readonly Said[]): string | undefined {
  return said
    .map(({ fields }) => fields.updatedAt)
    .reduce((newest, time) => (time === undefined || isOlder(time, newest) ? newest : time), undefined);
}

function isOlder(time: string | undefined, other: string | undefined): boolean {
  return time !== undefined && other !== undefined && toInstant(time) < toInstant(other);
}
