/** Things by their id. */
export function byId<Item extends { id: string }>(items: readonly Item[]): Map<string, Item> {
  return new Map(items.map((item) => [item.id, item]));
}

/** What was found of these ids, in their order. */
export function inOrderOf<Item extends { id: string }>(ids: readonly string[], found: readonly Item[]): Item[] {
  const items = byId(found);
  return ids.flatMap((id) => items.get(id) ?? []);
}
