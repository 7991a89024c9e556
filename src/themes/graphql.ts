import { builder } from "../platform/graphql.ts";
import type { Theme } from "./model.ts";
import { listThemesPage } from "./queries.ts";

/** A workspace has 200 at the most. */
const LISTED_MAX = 200;

const ThemeType = builder.objectRef<Theme>("Theme").implement({
  description: "What comments speak of, by words and phrases",
  extensions: { scope: "responses:read" },
  fields: (t) => ({
    key: t.exposeString("key", { description: "Your name of it" }),
    label: t.exposeString("label", { description: "For people to read" }),
    phrases: t.exposeStringList("phrases", { description: "A comment that has any of these is about it" }),
    isApplied: t.exposeBoolean("isApplied", {
      description: "false while older comments are still being looked at again",
    }),
  }),
});

builder.queryField("themes", (t) =>
  t.field({
    type: [ThemeType],
    description: "What comments speak of, in the order of the keys",
    extensions: { scope: "responses:read" },
    resolve: (_root, _args, context) => context.read((tx) => listThemesPage(tx, LISTED_MAX, undefined)),
  }),
);
