import { type Static, Type } from "@sinclair/typebox";
import { Ajv } from "ajv";
import { readNetworks } from "./outboundAddresses.ts";

const rate = (limit: number) =>
  Type.Integer({ minimum: 0, default: limit, description: "must be a whole number, 0 for no limit" });

const databaseUrl = Type.String({
  format: "database-url",
  description: "must be a postgres:// URL, in which : / ? # and @ of a password are written as %3A %2F %3F %23 and %40",
});

/** Every environment variable the program reads; `.env.example` describes them for operators. */
const EnvironmentSchema = Type.Object({
  DATABASE_URL: Type.Optional(databaseUrl),
  DATABASE_DIRECT_URL: Type.Optional(databaseUrl),
  DATABASE_READ_URL: Type.Optional(databaseUrl),
  ALLOW_NEWER_DATABASE: Type.Boolean({ default: false, description: "must be true or false" }),
  NODE_ENV: Type.Optional(Type.String()),
  HOST: Type.String({ minLength: 1, default: "127.0.0.1", description: "must be an address to listen on" }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 3000,
    description: "must be a whole number from 0 to 65535",
  }),
  METRICS_PORT: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 65535, description: "must be a whole number from 0 to 65535" }),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(Type.String({ format: "url", description: "must be a http(s):// URL" })),
  OTEL_SERVICE_NAME: Type.String({ minLength: 1, default: "afterscore" }),
  OTEL_TRACES_SAMPLER: Type.String({
    pattern: "^(parentbased_)?(always_on|always_off|traceidratio)$",
    default: "parentbased_always_on",
    description: "must be always_on, always_off or traceidratio, or one of them after parentbased_",
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description: "must be a number from 0 to 1",
  }),
  LOG_LEVEL: Type.Unsafe<"trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent">({
    type: "string",
    enum: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    default: "info",
    description: "must be one of trace, debug, info, warn, error, fatal, silent",
  }),
  PUBLIC_URL: Type.Optional(
    Type.String({ pattern: "^https?://[^/]+$", description: "must be a http(s):// URL without a path" }),
  ),
  SECRETS_KEY: Type.Optional(
    Type.String({
      // The last of 43 digits has only four bits that count.
      pattern: "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$",
      description: "must be 32 bytes in base64, like `openssl rand -base64 32` makes",
    }),
  ),
  JWT_ISSUER: Type.Optional(Type.String({ minLength: 1 })),
  JWT_AUDIENCE: Type.Optional(Type.String({ minLength: 1 })),
  JWT_JWKS_URL: Type.Optional(Type.String({ format: "url", description: "must be a http(s):// URL" })),
  JWT_WORKSPACE_CLAIM: Type.String({ minLength: 1, default: "workspace_id" }),
  JWT_SCOPE_CLAIM: Type.String({ minLength: 1, default: "scope" }),
  OUTBOUND_ALLOWED_NETWORKS: Type.String({
    format: "networks",
    default: "",
    description: "must be networks like 10.0.0.0/8 or fd00::/8, apart by commas",
  }),
  RATE_LIMIT_PER_SECOND: rate(2_000),
  RATE_LIMIT_ADDRESS_PER_SECOND: rate(50),
  AUTH_FAILURES_PER_MINUTE: rate(60),
  TRUSTED_PROXIES: Type.String({
    format: "networks",
    default: "",
    description: "must be networks like 10.0.0.0/8 or fd00::/8, apart by commas",
  }),
  DELIVERY_RETRY_SECONDS: Type.String({
    pattern: "^0(,[0-9]{1,7}([.][0-9]{1,3})?)*$",
    default: "0,5,300,1800,7200,18000,36000,50400,72000,86400",
    description: "must be seconds apart by commas, the first of them 0",
  }),
});

/** Of these all are set, or none. */
const TOGETHER = ["JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL"] as const;

export type Environment = Static<typeof EnvironmentSchema>;

/** As the driver reads it, which takes one without a host, for a socket. */
function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text.replace("@/", "@socket/"));
}

/** What the variables say about how much is taken from whom. */
export function limitsOf(environment: Environment) {
  return {
    rateLimits: {
      perCredential: environment.RATE_LIMIT_PER_SECOND,
      perAddress: environment.RATE_LIMIT_ADDRESS_PER_SECOND,
      failuresPerMinute: environment.AUTH_FAILURES_PER_MINUTE,
    },
    trustedProxies: environment.TRUSTED_PROXIES.split(",").flatMap((network) => network.trim() || []),
  };
}

/** A variable that cannot be used; `message` is the one line to show before the program ends. */
export class ConfigError extends Error {}

/**
 * Reads the environment: the only place where it is read. Empty variables count as not set.
 * @throws {ConfigError} naming the first variable that is wrong
 */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const ajv = new Ajv({ coerceTypes: true, useDefaults: true, verbose: true });
  ajv.addFormat("networks", (text: string) => readNetworks(text) !== undefined);
  ajv.addFormat("database-url", isDatabaseUrl);
  ajv.addFormat("url", (text: string) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol));
  const values = Object.fromEntries(
    Object.keys(EnvironmentSchema.properties)
      .map((name) => [name, env[name]] as const)
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  const isEnvironment = ajv.compile<Environment>(EnvironmentSchema);
  if (isEnvironment(values)) {
    const missing = TOGETHER.find((name) => values[name] === undefined);
    const given = TOGETHER.find((name) => values[name] !== undefined);
    const lone = (["DATABASE_DIRECT_URL", "DATABASE_READ_URL"] as const).find((name) => values[name] !== undefined);
    if (lone !== undefined && values.DATABASE_URL === undefined)
      throw new ConfigError(`DATABASE_URL must be set where ${lone} is`);
    if (missing !== undefined && given !== undefined) throw new ConfigError(`${missing} must be set where ${given} is`);
    return values;
  }
  const error = isEnvironment.errors?.[0];
  throw new ConfigError(`${error?.instancePath.slice(1)} ${error?.parentSchema?.["description"]}`);
}
