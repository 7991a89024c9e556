/**
 * Failures of a round in which everybody has a turn: what fails for one holds up no other, in this round or the next,
 * and is told at its end.
 */
export class Failures {
  readonly #byKey = new Map<string, unknown>();

  /** Whose turn failed: they are to be left out until the round ends. */
  get keys(): string[] {
    return [...this.#byKey.keys()];
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** @returns what the turn returns, or undefined where it failed */
  async keep<T>(key: string, turn: () => Promise<T>): Promise<T | undefined> {
    try {
      return await turn();
    } catch (error) {
      this.#byKey.set(key, error);
      return undefined;
    }
  }

  /** @throws the first failure */
  end(): void {
    for (const error of this.#byKey.values()) throw error;
  }
}
