/**
 * What the work resolves to, if it does so in time. The work itself goes on.
 * @throws what the work throws, or that it takes too long
 */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it takes too long")), milliseconds);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
