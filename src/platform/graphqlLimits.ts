import {
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  Location,
  type SelectionSetNode,
  TokenKind,
  type ValidationContext,
} from "graphql";
import { type Principal, requireScope } from "./auth.ts";
import { AppError } from "./errors.ts";
import { costOf } from "./graphqlCost.ts";

export const BODY_BYTES_MAX = 64 * 1024;
export const TOKENS_MAX = 2_000;
/**
 * Documents that are kept, parsed and found valid, and as many that were not; the cache may hold twice as many. One of
 * 2,000 tokens takes a megabyte.
 */
export const DOCUMENTS_MAX = 50;
const DEPTH_MAX = 10;
/** The question by which tools learn a whole schema is so deep; it needs a scope of its own. */
const INTROSPECTION_DEPTH_MAX = 15;
const ALIASES_MAX = 20;
const COST_MAX = 5_000;
/** Who may ask for the schema, and is helped with its names. */
const SCHEMA_SCOPE = "workspace:manage";

/** Fields on the longest path, and names given to fields, with fragments put in where they are spread. */
interface Shape {
  depth: number;
  introspectionDepth: number;
  aliases: number;
}

/** A validation rule: how deep, and how many aliases. What it finds depends on the document alone. */
export function limitShape(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      const measure = createMeasure(fragmentsOf(document));
      for (const definition of document.definitions) {
        if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
        const { depth, introspectionDepth, aliases } = measure(definition.selectionSet);
        const refuse = (what: string) => context.reportError(new GraphQLError(what, { nodes: definition }));
        if (depth > DEPTH_MAX) refuse(tooMuch("is", depth, "fields deep", DEPTH_MAX));
        if (introspectionDepth > INTROSPECTION_DEPTH_MAX) {
          refuse(tooMuch("is", introspectionDepth, "fields of the schema deep", INTROSPECTION_DEPTH_MAX));
        }
        if (aliases > ALIASES_MAX) refuse(tooMuch("has", aliases, "aliases", ALIASES_MAX));
      }
    },
  };
}

function tooMuch(verb: string, count: number, what: string, most: number): string {
  return `The operation ${verb} ${count} ${what}; at most ${most} are taken.`;
}

function createMeasure(fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
  const NOTHING: Shape = { depth: 0, introspectionDepth: 0, aliases: 0 };
  const known = new Map<string, Shape>();

  function measure(set: SelectionSetNode): Shape {
    const shape = { ...NOTHING };
    for (const selection of set.selections) {
      const inside =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? ofFragment(selection.name.value)
          : selection.selectionSet === undefined
            ? NOTHING
            : measure(selection.selectionSet);
      let { depth, introspectionDepth } = inside;
      shape.aliases += inside.aliases;
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        if (selection.alias !== undefined) shape.aliases += 1;
        if (name === "__schema" || name === "__type") [depth, introspectionDepth] = [0, depth];
        depth += 1;
        if (introspectionDepth > 0) introspectionDepth += 1;
      }
      shape.depth = Math.max(shape.depth, depth);
      shape.introspectionDepth = Math.max(shape.introspectionDepth, introspectionDepth);
    }
    return shape;
  }

  function ofFragment(name: string): Shape {
    const found = known.get(name);
    if (found !== undefined) return found;
    // Another rule refuses a fragment that is inside itself; here it must only end.
    known.set(name, NOTHING);
    const fragment = fragments.get(name);
    const shape = fragment === undefined ? NOTHING : measure(fragment.selectionSet);
    known.set(name, shape);
    return shape;
  }

  return measure;
}

function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  return new Map(
    definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );
}

/**
 * Of a document just parsed. mercurius also takes a syntax tree as JSON, past the parser and its limit; and
 * comments are no tokens, but take as much memory.
 * @throws {AppError} `invalid_request`
 */
export function requireWritten(document: DocumentNode): void {
  if (!(document?.loc instanceof Location)) throw new AppError("invalid_request", "The query is not GraphQL.");
  let comments = 0;
  for (let token = document.loc.startToken.next; token !== null; token = token.next) {
    if (token.kind === TokenKind.COMMENT) comments += 1;
  }
  if (comments > TOKENS_MAX) {
    throw new AppError("invalid_request", `The document has ${comments} comments; at most ${TOKENS_MAX} are taken.`);
  }
}

/**
 * Of a valid document about to be executed: what it costs, and whether this caller may see the schema.
 * @throws {AppError} `invalid_request` where it costs too much, or a `first` is out of bounds; `forbidden`
 */
export function requireAffordable(
  schema: GraphQLSchema,
  document: DocumentNode,
  { principal, operationName }: { principal: Principal; operationName: string | undefined },
  variables: Record<string, unknown>,
): void {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return;
  const { coerced = {} } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  const { cost, introspects } = costOf(schema, operation.selectionSet, root, fragmentsOf(document), coerced);
  if (introspects) requireScope(principal, SCHEMA_SCOPE);
  if (cost > COST_MAX) {
    throw new AppError("invalid_request", `The operation costs ${cost}; at most ${COST_MAX} are taken.`);
  }
}

/** What somebody who may not see the schema may know of a mistake: not which names there are instead. */
export function withoutSuggestions(message: string, principal: Principal): string {
  return principal.scopes.has(SCHEMA_SCOPE) ? message : message.replace(/ Did you mean .*\?$/s, "");
}
