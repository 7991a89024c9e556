import { builder } from "../platform/graphql.ts";
import type { Theme } from "./model.ts";
import { listThemesPage } from "./queries.ts";

/** A workspace has 200 at the most. */
const LISTED_MAX = 200;

const ThemeType = builder.objectRef<Theme>("Theme").implement({
  description: "A subject that comments speak of, found by words and phrases",
  extensions: { scope: "responses:read" },
  fields: (t) => ({
    key: t.exposeString("key", { description: "Your name of it, unique in the workspace" }),
    label: t.exposeString("label", { description: "For people to read" }),
    phrases: t.exposeStringList("phrases", { description: "A comment with any of these is about it" }),
    isApplied: t.exposeBoolean("isApplied", {
      description:
        "false while older comments are still looked through for its phrases, and figures by theme are not yet whole",
    }),
  }),
});

builder.queryField("themes", (t) =>
  t.field({
    type: [ThemeType],
    description: "Every theme, by key; at most 200",
    extensions: { scope: "responses:read" },
    resolve: (_root, _args, context) => context.read((tx) => listThemesPage(tx, LISTED_MAX, undefined)),
  }),
);
