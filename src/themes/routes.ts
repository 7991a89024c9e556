import { callerOf } from "../platform/auth.ts";
import type { Server } from "../platform/http.ts";
import { decodeCursor, LIMIT_DEFAULT, NO_ID, PageOf, PageQuery, toPage } from "../platform/pagination.ts";
import { problems } from "../platform/problem.ts";
import { ref, Strict, Text } from "../platform/schema.ts";
import type { Tenancy } from "../platform/tenancy.ts";
import { ThemeInputSchema, ThemeSchema } from "./model.ts";
import { listThemesPage } from "./queries.ts";
import { putTheme } from "./service.ts";

const ThemePage = PageOf(ref(ThemeSchema), "ThemePage");
const ORDER = "KEY";

export function registerThemeRoutes(app: Server, tenancy: Tenancy): void {
  for (const schema of [ThemeInputSchema, ThemeSchema, ThemePage]) app.addSchema(schema);

  app.put(
    "/v1/themes/:key",
    {
      config: { scope: "workspace:manage" },
      schema: {
        operationId: "putTheme",
        summary: "Make a theme, or change the one with this key; older comments are looked at in the background",
        description:
          "A comment that has one of the phrases, in any case and with or without accents, is about the theme. New comments are looked at as they come. The same again ends in the same, so it can be sent again blindly.",
        tags: ["Themes"],
        params: Strict({ key: Text({ description: "Your name of it" }) }),
        body: ref(ThemeInputSchema),
        response: {
          200: { description: "As it is now", ...ref(ThemeSchema) },
          201: { description: "Made", ...ref(ThemeSchema) },
          ...problems(400, 413, 415),
        },
      },
    },
    async (request, reply) => {
      const { theme, isNew } = await tenancy.inWorkspace(callerOf(request), (tx) =>
        putTheme(tx, request.params.key, request.body),
      );
      return reply.code(isNew ? 201 : 200).send(theme);
    },
  );

  app.get(
    "/v1/themes",
    {
      config: { scope: "responses:read" },
      schema: {
        operationId: "listThemes",
        summary: "List themes, in the order of their keys",
        description: "All of them; `isApplied` is false while older comments are being looked at.",
        tags: ["Themes"],
        querystring: Strict(PageQuery),
        response: { 200: { description: "A page of themes", ...ref(ThemePage) }, ...problems(400) },
      },
    },
    async (request) => {
      const { limit = LIMIT_DEFAULT, cursor } = request.query;
      const after = decodeCursor(cursor, ORDER, "cursor", "text")?.value;
      return tenancy.readWorkspace(callerOf(request), async (tx) =>
        toPage(await listThemesPage(tx, limit, after), limit, ({ key }) => ({ order: ORDER, value: key, id: NO_ID })),
      );
    },
  );
}
