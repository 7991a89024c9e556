import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { AppError, invalidRequest } from "./errors.ts";
import { pageSize } from "./graphqlConnection.ts";

/** What an operation asks for, as its variables make it. */
export interface Cost {
  /**
   * Each field is 1, or what its `cost` extension says, times the pages it stands in: the product of the
   * `first` of the fields around it.
   */
  cost: number;
  /** Whether it asks for the schema: `__schema` or `__type`. */
  introspects: boolean;
}

/**
 * Counts a valid operation: a fragment as often as it is spread, and what `@skip` leaves out as well.
 * @param variables as they were coerced, defaults included
 * @throws {AppError} `invalid_request` for a `first` out of bounds, naming the field and, if it was one, the variable
 */
export function costOf(
  schema: GraphQLSchema,
  selections: SelectionSetNode,
  root: GraphQLNamedType,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  variables: Readonly<Record<string, unknown>>,
): Cost {
  let introspects = false;
  // Of a page of one: what stands around a fragment multiplies all of it.
  const costOfFragments = new Map<string, number>();

  function ofSelections(set: SelectionSetNode, type: GraphQLNamedType | undefined): number {
    let sum = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) sum += ofField(selection, type);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) sum += ofFragment(selection.name.value);
      else {
        const condition = selection.typeCondition;
        sum += ofSelections(selection.selectionSet, condition ? schema.getType(condition.name.value) : type);
      }
    }
    return sum;
  }

  function ofFragment(name: string): number {
    const known = costOfFragments.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    if (fragment === undefined) return 0;
    const cost = ofSelections(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
    costOfFragments.set(name, cost);
    return cost;
  }

  function ofField(node: FieldNode, type: GraphQLNamedType | undefined): number {
    const name = node.name.value;
    if (name === "__schema" || name === "__type") introspects = true;
    const field = isObjectType(type) ? type.getFields()[name] : undefined;
    const own = typeof field?.extensions["cost"] === "number" ? field.extensions["cost"] : 1;
    const page = field === undefined ? 1 : pageOf(field, node, variables);
    if (node.selectionSet === undefined) return own;
    return own + page * ofSelections(node.selectionSet, field && getNamedType(field.type));
  }

  return { cost: ofSelections(selections, root), introspects };
}

/** How many of a field there can be; 1 where it has no pages. */
function pageOf(field: GraphQLField<unknown, unknown>, node: FieldNode, variables: Readonly<Record<string, unknown>>) {
  if (!field.args.some(({ name }) => name === "first")) return 1;
  const value = node.arguments?.find(({ name }) => name.value === "first")?.value;
  const variable = value?.kind === Kind.VARIABLE ? value.name.value : undefined;
  const first =
    variable === undefined ? (value?.kind === Kind.INT ? Number(value.value) : undefined) : variables[variable];
  try {
    return pageSize(first as number | undefined);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const origin = variable === undefined ? "" : ` by $${variable}`;
    const reason = `${error.invalidParams?.[0]?.reason} (it is ${String(first)}${origin} at ${field.name})`;
    throw invalidRequest([{ name: "first", reason }]);
  }
}
