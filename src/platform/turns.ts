import pLimit, { type LimitFunction } from "p-limit";
import { AppError } from "./errors.ts";

/** So long one waits for those before it, in milliseconds: those may be waiting for somebody. */
const WAITS_MS = 8_000;

/**
 * Lets at most so many go on at once for each workspace, apart from all others. Whatever `work` does counts until it
 * resolves; it must not wait for another turn of its workspace.
 * @throws {AppError} `unavailable` when those before it took too long: nothing was begun
 */
export function createTurns(atOnce: number, waitsMs = WAITS_MS) {
  // One a workspace; they are small and stay.
  const limits = new Map<string, LimitFunction>();
  return async <T>(workspaceId: string, work: () => Promise<T>): Promise<T> => {
    const limit = limits.get(workspaceId) ?? pLimit(atOnce);
    limits.set(workspaceId, limit);
    const cameAt = performance.now();
    return limit(async () => {
      if (performance.now() - cameAt < waitsMs) return work();
      throw new AppError("unavailable", "What came before this took too long. Try again.");
    });
  };
}
