import { type ResolveFnOutput, registerHooks } from "node:module";

const found = new Map<string, ResolveFnOutput>();

/**
 * Loads drizzle-orm without asking Node for its package again and again: 0.45 names all of its files in `exports`, and Node
 * parses these 130 KB anew for every file that it loads and for everyone who imports it, which was a third of every start.
 * Their next major version does without (drizzle-team/drizzle-orm#5934), and then this goes.
 */
registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier.startsWith(".") && context.parentURL?.includes("/node_modules/drizzle-orm/") === true) {
      return { url: new URL(specifier, context.parentURL).href, format: "module", shortCircuit: true };
    }
    if (!/^drizzle-orm(?:\/|$)/.test(specifier)) return next(specifier, context);
    const known = found.get(specifier) ?? next(specifier, context);
    found.set(specifier, known);
    return { ...known, shortCircuit: true };
  },
});
