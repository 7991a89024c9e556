import { registerHooks } from "node:module";

/**
 * Loads drizzle-orm without asking Node for the package of each of its files: 0.45 names all of them in `exports`, and Node
 * parses these 130 KB anew for every file that it loads, which was a third of every start. Their next major version
 * does without (drizzle-team/drizzle-orm#5934), and then this goes.
 */
registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith(".") && context.parentURL?.includes("/node_modules/drizzle-orm/") === true
      ? { url: new URL(specifier, context.parentURL).href, format: "module", shortCircuit: true }
      : next(specifier, context),
});
