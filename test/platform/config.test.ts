import t from "tap";
import { ConfigError, readEnvironment } from "../../src/platform/config.ts";

t.test("what is not set has its default, and empty is not set", async (t) => {
  const defaults = {
    HOST: "127.0.0.1",
    PORT: 3000,
    LOG_LEVEL: "info",
    OUTBOUND_ALLOWED_NETWORKS: "",
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
    ["PUBLIC_URL", "nps.example.com"],
    ["SECRETS_KEY", "c2hvcnQ="],
    ["SECRETS_KEY", "not base64"],
    ["OUTBOUND_ALLOWED_NETWORKS", "10.0.0.0"],
    ["OUTBOUND_ALLOWED_NETWORKS", "10.0.0.0/33"],
    ["OUTBOUND_ALLOWED_NETWORKS", "here"],
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
