/**
 * Text that a spreadsheet would run as a formula, also after white space, and such text with quotes
 * before it: a guard that was there already must not be taken for ours.
 */
const FORMULA = /^'*[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]/;

/** Text as a cell that no spreadsheet runs: `'` before what looks like a formula. */
export function guardFormula(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** The text that `guardFormula` has made the cell of. */
export function unguardFormula(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}

/** One line of CSV (RFC 4180); numbers and booleans stand as they are, null is empty. */
export function toCsvLine(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map(toCell).join(",")}\r\n`;
}

function toCell(value: string | number | boolean | null): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const text = guardFormula(value);
  return /[",;\t\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}
