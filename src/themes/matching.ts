/** Scripts that write no spaces between words: there a phrase is found anywhere. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;

/**
 * The text without case and accents, its words apart by one space: `Größe`, `GROSSE` and `größe!` are one.
 * Only the marks of Latin, Greek and Cyrillic go; in other scripts they are vowels.
 */
export function foldWords(text: string): string {
  const bare = text.normalize("NFKD").replaceAll(/[\u0300-\u036f]/g, "");
  // By way of the upper case, which writes ß as SS.
  const folded = bare.toUpperCase().toLowerCase().normalize("NFC");
  return folded.replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, " ").trim();
}

/** Says whether a comment has one of the phrases, each as whole words. */
export function matcherOf(phrases: readonly string[]): (comment: string) => boolean {
  const folded = phrases.map(foldWords).filter((phrase) => phrase !== "");
  const whole = folded.filter((phrase) => !UNSPACED.test(phrase)).map((phrase) => ` ${phrase} `);
  const anywhere = folded.filter((phrase) => UNSPACED.test(phrase));
  return (comment) => {
    const text = ` ${foldWords(comment)} `;
    return whole.some((phrase) => text.includes(phrase)) || anywhere.some((phrase) => text.includes(phrase));
  };
}
