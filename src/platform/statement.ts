import { createHash } from "node:crypto";
import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/** What a statement is asked with. */
export type Parameter = string | number | boolean | Date | Buffer | null;

/**
 * SQL that is asked again and again with other values: its text is put together, and named, the first time only.
 * It may stand within SQL of drizzle's, whose text is made anew each time; not the other way round.
 */
export class Statement implements SQLWrapper {
  readonly texts: readonly string[];
  readonly values: readonly (Parameter | Statement)[];

  /** @param texts what stands before, between and behind the values: the same list whenever it is the same text */
  constructor(texts: readonly string[], values: readonly (Parameter | Statement)[]) {
    this.texts = texts;
    this.values = values;
  }

  getSQL(): SQL {
    const behind = (n: number) => sql.raw(this.texts[n] ?? "");
    const rest = this.values.flatMap((value, n) => [
      value instanceof Statement ? value : sql.param(value),
      behind(n + 1),
    ]);
    return sql.join([behind(0), ...rest]);
  }

  shouldOmitSQLParens(): true {
    return true;
  }
}

/** As a template: values become parameters, statements stand where they are. */
export function statement(texts: TemplateStringsArray, ...values: readonly (Parameter | Statement)[]): Statement {
  return new Statement(texts, values);
}

const words = new Map<string, Statement>();

/** A piece of text as it is: of few kinds, and never what came from outside. */
export function verbatim(text: string): Statement {
  const known = words.get(text) ?? new Statement([text], []);
  words.set(text, known);
  return known;
}

const separated = new Map<string, readonly string[]>();

/** One after the other, with this between them. */
export function joined(statements: readonly Statement[], separator: string): Statement {
  const key = `${statements.length}${separator}`;
  const texts = separated.get(key) ?? ["", ...statements.slice(1).map(() => separator), ""];
  separated.set(key, texts);
  return new Statement(texts, statements);
}

/** As it is sent. Of another text the name is another one, whoever shares the connection. */
export interface Compiled {
  text: string;
  name: string;
  values: Parameter[];
}

/**
 * Where one gets by the texts and the parameters of a statement, in their order. Every text says by the length of its
 * list how many of them follow, so whatever gets to the same place is the same text.
 */
class Place {
  readonly byTexts = new WeakMap<readonly string[], Place>();
  parameter: Place | undefined;
  compiled: Omit<Compiled, "values"> | undefined;
}

const START = new Place();

/** What is sent of it: the text and its name are the same each time, the values are those of this one. */
export function compile(whole: Statement): Compiled {
  const values: Parameter[] = [];
  const place = placeOf(whole, START, values);
  place.compiled ??= named(textOf(whole, { count: 0 }));
  return { text: place.compiled.text, name: place.compiled.name, values };
}

/** Also collects the parameters. */
function placeOf({ texts, values }: Statement, from: Place, parameters: Parameter[]): Place {
  let place = from.byTexts.get(texts);
  if (place === undefined) {
    place = new Place();
    from.byTexts.set(texts, place);
  }
  for (const value of values) {
    if (value instanceof Statement) place = placeOf(value, place, parameters);
    else {
      parameters.push(value);
      place.parameter ??= new Place();
      place = place.parameter;
    }
  }
  return place;
}

function textOf({ texts, values }: Statement, parameters: { count: number }): string {
  const written = values.map((value, n) => {
    const own = value instanceof Statement ? textOf(value, parameters) : `$${(parameters.count += 1)}`;
    return own + (texts[n + 1] ?? "");
  });
  return (texts[0] ?? "") + written.join("");
}

function named(text: string): Omit<Compiled, "values"> {
  return { text, name: createHash("sha256").update(text).digest("base64url").slice(0, 22) };
}
