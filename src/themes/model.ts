import { type Static, Type } from "@sinclair/typebox";
import { Strict, Text } from "../platform/schema.ts";

const PHRASES_MAX = 100;

export const ThemeInputSchema = Strict(
  {
    label: Text({ description: "For people to read" }),
    phrases: Type.Array(Text({ description: "A word, or several in a row; case and accents do not matter" }), {
      maxItems: PHRASES_MAX,
      description: "A comment that has any of these is about it",
    }),
  },
  { $id: "ThemeInput", description: "What comments speak of" },
);
export type ThemeInput = Static<typeof ThemeInputSchema>;

export const ThemeSchema = Strict(
  {
    key: Type.String({ description: "Your name of it" }),
    label: Type.String({ description: "For people to read" }),
    phrases: Type.Array(Type.String(), { description: "A comment that has any of these is about it" }),
    isApplied: Type.Boolean({ description: "false while older comments are still being looked at again" }),
  },
  { $id: "Theme", description: "What comments speak of, by words and phrases" },
);
export type Theme = Static<typeof ThemeSchema>;
