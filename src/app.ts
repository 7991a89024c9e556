import type { GraphQLSchema } from "graphql";
import type { Pool } from "pg";
import "./aggregates/accountsGraphql.ts";
import "./aggregates/caseGraphql.ts";
import "./aggregates/graphql.ts";
import { NpsShiftSchema } from "./aggregates/index.ts";
import "./aggregates/peopleGraphql.ts";
import { registerAudienceRoute } from "./cases/audienceRoutes.ts";
import { registerCaseCommands } from "./cases/commandRoutes.ts";
import "./cases/graphql.ts";
import { returnParkedCases } from "./cases/index.ts";
import "./cases/mutations.ts";
import { registerPolicyRoutes } from "./cases/policyRoutes.ts";
import { registerCaseRoutes } from "./cases/routes.ts";
import { defineCauseMutations } from "./causes/graphql.ts";
import type { ImprovementSteps } from "./causes/index.ts";
import { registerCauseRoutes } from "./causes/routes.ts";
import { registerExportRoutes } from "./exports/routes.ts";
import { registerImportRoutes } from "./imports/routes.ts";
import { registerIntakeRoutes } from "./intake/intakeRoutes.ts";
import { registerReceiptRoutes } from "./intake/receiptRoutes.ts";
import { registerSourceRoutes } from "./intake/routes.ts";
import {
  AccountInputSchema,
  AccountSchema,
  PersonInputSchema,
  PersonSchema,
  PersonUpsertSchema,
} from "./people/index.ts";
import { registerPeopleRoutes } from "./people/routes.ts";
import { registerAuth } from "./platform/auth.ts";
import { registerDocuments } from "./platform/documents.ts";
import { type Gather, gatherInBatches } from "./platform/gathering.ts";
import { registerGraphiql } from "./platform/graphiql.ts";
import { builder, guardSchema } from "./platform/graphql.ts";
import { registerGraphql } from "./platform/graphqlRoute.ts";
import { registerHealth } from "./platform/health.ts";
import { createServer, type Server } from "./platform/http.ts";
import type { Logger } from "./platform/logger.ts";
import { registerPosition } from "./platform/position.ts";
import { createRateLimits, type RateLimitSettings } from "./platform/rateLimits.ts";
import { registerRequestTracing } from "./platform/requestTracing.ts";
import { createSecretBox } from "./platform/secrets.ts";
import { registerShedding } from "./platform/shedding.ts";
import { createTenancy } from "./platform/tenancy.ts";
import { registerPrivacyRoutes } from "./privacy/routes.ts";
import { RECORDING } from "./recording.ts";
import { registerBatchRoute } from "./responses/batchRoute.ts";
import { registerResponseCommands } from "./responses/commandRoutes.ts";
import { ResponseInputSchema, ResponsePatchSchema, ResponseSchema, ResponseUpsertSchema } from "./responses/index.ts";
import { defineResponseMutations } from "./responses/mutations.ts";
import { registerResponseRoutes } from "./responses/routes.ts";
import { SurveyInputSchema, SurveyPutSchema, SurveySchema } from "./surveys/index.ts";
import { registerSurveyRoutes } from "./surveys/routes.ts";
import "./themes/graphql.ts";
import { registerThemeRoutes } from "./themes/routes.ts";
import { registerDeliveryRoutes } from "./webhooks/deliveryRoutes.ts";
import { registerFeedRoute } from "./webhooks/feedRoutes.ts";
import { registerEndpointRoutes } from "./webhooks/routes.ts";
import { createAuthenticate, SCOPES, type UserSettings } from "./workspaces/index.ts";
import { registerWorkspaceRoutes } from "./workspaces/routes.ts";

/** What happens when an improvement moves. */
const IMPROVING: ImprovementSteps = { onMoved: [returnParkedCases] };

defineResponseMutations(RECORDING);
defineCauseMutations(IMPROVING);

/** One schema for the process: the slices have added their types to the builder when they were imported. */
export const graphqlSchema: GraphQLSchema = guardSchema(builder.toSchema(), SCOPES);

/** What an installation says of itself. */
export interface Settings {
  /** How the world reaches it; where it is absent, as each request came. */
  publicUrl?: string | undefined;
  /** Why nothing may be sent to a URL; undefined where it may. */
  explainRefusal?: (url: string) => Promise<string | undefined>;
  /** 32 bytes, which encrypt the secrets that are kept; without them none can be. */
  secretsKey?: Buffer | undefined;
  /** How long a request may take to come in, in milliseconds. */
  requestTimeout?: number | undefined;
  /** Whose users are let in beside API keys; absent: nobody's. */
  users?: UserSettings | undefined;
  /** How much is taken from each caller; without it, anything. */
  rateLimits?: RateLimitSettings | undefined;
  /** Networks of proxies that are believed whom they send for. */
  trustedProxies?: string[] | undefined;
  /** Whether people find GraphiQL at `/graphiql`. */
  graphiql?: boolean | undefined;
  /** A replica, for those who read. */
  readPool?: Pool | undefined;
}

/**
 * The whole service on this pool, not yet listening. The pool stays the caller's to close.
 * @param gather how what comes in one by one is put into transactions
 * @param onCreated is given the app before it has any route
 */
export async function buildApp(
  pool: Pool,
  logger: Logger,
  settings: Settings = {},
  gather: Gather = gatherInBatches,
  onCreated: (app: Server) => Promise<void> = async () => undefined,
): Promise<Server> {
  const tenancy = createTenancy(pool, settings.readPool);
  const app = createServer(logger, settings);
  registerRequestTracing(app);
  const limits = createRateLimits(settings.rateLimits);
  await onCreated(app);
  registerShedding(app, pool);
  const users = settings.users && { settings: settings.users, logger };
  registerAuth(app, createAuthenticate(tenancy, undefined, users), SCOPES, limits);
  registerPosition(app, tenancy);
  for (const schema of [
    NpsShiftSchema,
    AccountInputSchema,
    AccountSchema,
    PersonInputSchema,
    PersonUpsertSchema,
    PersonSchema,
    SurveyInputSchema,
    SurveyPutSchema,
    SurveySchema,
    ResponseInputSchema,
    ResponseUpsertSchema,
    ResponsePatchSchema,
    ResponseSchema,
  ]) {
    app.addSchema(schema);
  }
  registerHealth(app, tenancy);
  registerDocuments(app);
  registerWorkspaceRoutes(app, tenancy);
  registerPeopleRoutes(app, tenancy, RECORDING);
  registerSurveyRoutes(app, tenancy);
  registerResponseRoutes(app, tenancy, gather, RECORDING);
  registerResponseCommands(app, tenancy, RECORDING);
  registerBatchRoute(app, tenancy, RECORDING);
  registerCaseRoutes(app, tenancy);
  registerCaseCommands(app, tenancy);
  registerPolicyRoutes(app, tenancy);
  registerCauseRoutes(app, tenancy, IMPROVING);
  registerAudienceRoute(app, tenancy);
  registerThemeRoutes(app, tenancy);
  await registerImportRoutes(app, tenancy);
  registerExportRoutes(app, tenancy);
  const secrets = createSecretBox(settings.secretsKey);
  const intake = { tenancy, steps: RECORDING, secrets, publicUrl: settings.publicUrl };
  registerSourceRoutes(app, intake);
  registerReceiptRoutes(app, intake);
  await registerIntakeRoutes(app, intake, gather, limits);
  registerEndpointRoutes(app, { tenancy, secrets, explainRefusal: settings.explainRefusal ?? requireHttps });
  registerDeliveryRoutes(app, tenancy);
  registerFeedRoute(app, tenancy);
  registerPrivacyRoutes(app, tenancy);
  await registerGraphql(app, tenancy, graphqlSchema);
  if (settings.graphiql) registerGraphiql(app);
  return app;
}

/** What can be said of a URL without asking the network. */
async function requireHttps(url: string): Promise<string | undefined> {
  return new URL(url).protocol === "https:" ? undefined : "must be https";
}
