/** What is shorter stands in too many texts to say of whom they are. */
const LENGTH_MIN = 5;
/** Of so many digits a number is looked for without separators: a date has eight, and an id of somebody else may be one. */
const NUMBER = /^\+?\d{9,}$/;

/**
 * Whether a text that nobody could read as a body names somebody by one of these identities or ids. A number is looked for
 * however it is written.
 */
export function isMentioned(text: string, identities: readonly string[]): boolean {
  const wanted = identities.filter(({ length }) => length >= LENGTH_MIN).map((identity) => identity.toLowerCase());
  if (wanted.length === 0) return false;
  const whole = text.toLowerCase();
  const bare = whole.replaceAll(SEPARATORS, "");
  return wanted.some((identity) => whole.includes(identity) || (NUMBER.test(identity) && bare.includes(identity)));
}

/** What people write between the digits of a number, and we do not keep. */
export const SEPARATORS = /[\s().\-/]/g;
