import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from "jose";
import type { Test } from "tap";
import type { UserSettings } from "../../src/workspaces/index.ts";

const ISSUER = "https://login.example.com/";
const AUDIENCE = "afterscore";

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** An identity provider whose keys are read over a real socket. */
export interface Provider {
  settings: UserSettings;
  /** The keys it publishes. */
  keys: JWK[];
  /** How often they were read. */
  reads: () => number;
  /** Whether it answers 503 instead. */
  isDown: boolean;
  /** Publishes one more key. */
  addKey: (kid: string, alg?: string) => Promise<KeyPair>;
  /** A token of good claims but for those given; undefined leaves one out. */
  sign: (pair: Pick<KeyPair, "privateKey">, header: Partial<JWTHeaderParameters>, claims: object) => Promise<string>;
}

export async function startProvider(t: Test): Promise<Provider> {
  let reads = 0;
  const server = createServer((_request, response) => {
    reads += 1;
    response.writeHead(provider.isDown ? 503 : 200, { "content-type": "application/json", connection: "close" });
    response.end(provider.isDown ? "{}" : JSON.stringify({ keys: provider.keys }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const provider: Provider = {
    settings: {
      issuer: ISSUER,
      audience: AUDIENCE,
      jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
      workspaceClaim: "workspace_id",
      scopeClaim: "scope",
    },
    keys: [],
    reads: () => reads,
    isDown: false,
    addKey: async (kid, alg = "ES256") => {
      const pair = await generateKeyPair(alg, { extractable: true });
      provider.keys.push({ ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" });
      return pair;
    },
    sign: ({ privateKey }, header, claims) => {
      const good = { iss: ISSUER, aud: AUDIENCE, sub: "user-7", exp: Math.floor(Date.now() / 1000) + 600 };
      return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: "ES256", ...header }).sign(privateKey);
    },
  };
  return provider;
}
