import t from "tap";
import { ConfigError, readEnvironment } from "../../src/platform/config.ts";

t.test("what is not set has its default, and empty is not set", async (t) => {
  const defaults = {
    ALLOW_NEWER_DATABASE: false,
    HOST: "127.0.0.1",
    PORT: 3000,
    OTEL_SERVICE_NAME: "afterscore",
    OTEL_TRACES_SAMPLER: "parentbased_always_on",
    OTEL_TRACES_SAMPLER_ARG: 1,
    LOG_LEVEL: "info",
    JWT_WORKSPACE_CLAIM: "workspace_id",
    JWT_SCOPE_CLAIM: "scope",
    OUTBOUND_ALLOWED_NETWORKS: "",
    RATE_LIMIT_PER_SECOND: 2000,
    RATE_LIMIT_ADDRESS_PER_SECOND: 50,
    AUTH_FAILURES_PER_MINUTE: 60,
    TRUSTED_PROXIES: "",
    DELIVERY_RETRY_SECONDS: "0,5,300,1800,7200,18000,36000,50400,72000,86400",
  };
  t.same(readEnvironment({}), defaults);
  t.same(readEnvironment({ PORT: "", DATABASE_URL: "", UNKNOWN: "x" }), defaults);
  t.match(readEnvironment({ PORT: "80", LOG_LEVEL: "debug" }), { PORT: 80, LOG_LEVEL: "debug" });
});

t.test("an invalid value is one line that names the variable", async (t) => {
  for (const [name, value] of [
    ["PORT", "abc"],
    ["PORT", "65536"],
    ["PORT", "3000.5"],
    ["LOG_LEVEL", "loud"],
    ["DATABASE_URL", "mysql://localhost"],
    ["DATABASE_DIRECT_URL", "localhost"],
    ["DATABASE_READ_URL", "localhost"],
    ["DATABASE_URL", "postgres://user:pa#ss@db/afterscore"],
    ["DATABASE_READ_URL", "postgres://user:pa/ss@db/afterscore"],
    ["DATABASE_URL", "postgres://db:99999/afterscore"],
    ["PUBLIC_URL", "nps.example.com"],
    ["SECRETS_KEY", "c2hvcnQ="],
    ["SECRETS_KEY", "not base64"],
    ["JWT_JWKS_URL", "ftp://login.example.com/keys"],
    ["OUTBOUND_ALLOWED_NETWORKS", "10.0.0.0"],
    ["OUTBOUND_ALLOWED_NETWORKS", "10.0.0.0/33"],
    ["OUTBOUND_ALLOWED_NETWORKS", "here"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"],
    ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
    ["OTEL_TRACES_SAMPLER_ARG", "1.5"],
    ["RATE_LIMIT_PER_SECOND", "-1"],
    ["RATE_LIMIT_ADDRESS_PER_SECOND", "0.5"],
    ["AUTH_FAILURES_PER_MINUTE", "few"],
    ["TRUSTED_PROXIES", "the proxy"],
    ["DELIVERY_RETRY_SECONDS", "5"],
    ["DELIVERY_RETRY_SECONDS", "0,-1"],
    ["DELIVERY_RETRY_SECONDS", "0,soon"],
  ] as const) {
    t.throws(() => readEnvironment({ [name]: value }), {
      constructor: ConfigError,
      message: new RegExp(`^${name} must be [^\n]+$`),
    });
  }
});

t.test("an identity provider is set in full or not at all", async (t) => {
  const all = { JWT_ISSUER: "https://login/", JWT_AUDIENCE: "nps", JWT_JWKS_URL: "https://login/keys" };
  t.match(readEnvironment(all), all);
  for (const name of Object.keys(all)) {
    const message = new RegExp(`^${name} must be set where JWT_[A-Z_]+ is$`);
    t.throws(() => readEnvironment({ ...all, [name]: "" }), { constructor: ConfigError, message });
  }
});

t.test("a database is named as the driver takes it, and one alone beside the embedded one is none", async (t) => {
  for (const url of [
    "postgres://db/afterscore",
    "postgresql://user:p%23ss@db:6432/afterscore?sslmode=require",
    "postgres://user@/afterscore?host=/var/run/postgresql",
    "postgres://user:secret@[::1]:5432/afterscore",
  ]) {
    t.match(readEnvironment({ DATABASE_URL: url, DATABASE_READ_URL: url }), { DATABASE_URL: url }, url);
    for (const name of ["DATABASE_DIRECT_URL", "DATABASE_READ_URL"]) {
      t.throws(() => readEnvironment({ [name]: url }), { message: `DATABASE_URL must be set where ${name} is` });
    }
  }
});
