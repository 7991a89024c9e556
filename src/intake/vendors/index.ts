import {
  type Headers,
  type HmacScheme,
  headerOf,
  isSameText,
  isSignedBody,
  isSignedWebhook,
} from "../../platform/signature.ts";
import type { Vendor } from "../model.ts";
import type { Reading, ReadingContext } from "../reading.ts";
import { readDelighted } from "./delighted.ts";
import { readFormbricks } from "./formbricks.ts";
import { readJson } from "./json.ts";
import { readStandardWebhooks } from "./standardWebhooks.ts";
import { readSurvicate } from "./survicate.ts";
import { readTally } from "./tally.ts";
import { readTypeform } from "./typeform.ts";
import { readWootric } from "./wootric.ts";

const TOKEN_HEADER = "X-Webhook-Token";

/** A delivery as it came in. */
export interface Delivery {
  headers: Headers;
  body: Buffer;
}

interface Scheme {
  /** Says whether the delivery is by somebody who has one of the secrets. */
  isGenuine(secrets: readonly string[], delivery: Delivery, tokenHeader: string | null, now: Date): boolean;
  read(payload: unknown, context: ReadingContext): Reading;
}

const hmac =
  (scheme: HmacScheme): Scheme["isGenuine"] =>
  (secrets, { headers, body }) =>
    isSignedBody(scheme, secrets, headers, body);
const standardWebhook: Scheme["isGenuine"] = (secrets, { headers, body }, _tokenHeader, now) =>
  isSignedWebhook(secrets, headers, body, now);
const token: Scheme["isGenuine"] = (secrets, { headers }, tokenHeader) => {
  const given = headerOf(headers, (tokenHeader ?? TOKEN_HEADER).toLowerCase());
  return given !== undefined && secrets.some((secret) => isSameText(secret, given));
};

/** How each vendor signs, and how its payload is read. */
export const SCHEMES: Record<Vendor, Scheme> = {
  STANDARD_WEBHOOKS: { isGenuine: standardWebhook, read: readStandardWebhooks },
  TYPEFORM: {
    isGenuine: hmac({ header: "typeform-signature", algorithm: "sha256", encoding: "base64", prefix: "sha256=" }),
    read: readTypeform,
  },
  TALLY: {
    isGenuine: hmac({ header: "tally-signature", algorithm: "sha256", encoding: "base64", prefix: "" }),
    read: readTally,
  },
  FORMBRICKS: { isGenuine: standardWebhook, read: readFormbricks },
  DELIGHTED: {
    isGenuine: hmac({
      header: "x-delighted-webhook-signature",
      algorithm: "sha256",
      encoding: "hex",
      prefix: "sha256=",
    }),
    read: readDelighted,
  },
  WOOTRIC: {
    isGenuine: hmac({ header: "x-wootric-signature", algorithm: "sha1", encoding: "hex", prefix: "sha1=" }),
    read: readWootric,
  },
  SURVICATE: {
    isGenuine: hmac({ header: "hmac", algorithm: "sha256", encoding: "hex", prefix: "" }),
    read: readSurvicate,
  },
  JSON: { isGenuine: token, read: readJson },
};
