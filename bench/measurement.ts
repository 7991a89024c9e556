/** One figure and what it is held against. */
export interface Measurement {
  what: string;
  /** In milliseconds, medians. */
  baseline: number;
  measured: number;
  /** What `measured / baseline` may be at the most. */
  ratioMax: number;
}
