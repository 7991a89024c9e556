/** Scripts that write no spaces between words: there a phrase is found anywhere. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;

/** Letters of European languages that Unicode does not take for another with a mark, as the search writes them. */
const PLAIN: Record<string, string> = {
  æ: "ae",
  ð: "d",
  ø: "o",
  þ: "th",
  đ: "d",
  ħ: "h",
  ĸ: "q",
  ł: "l",
  ŋ: "n",
  œ: "oe",
  ŧ: "t",
};
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join("")}]`, "g");

/**
 * The text without case and accents, its words apart by one space: `Größe`, `GROSSE` and `größe!` are one.
 * Only the marks of Latin, Greek and Cyrillic go; in other scripts they are vowels.
 */
export function foldWords(text: string): string {
  const bare = text.normalize("NFKD").replaceAll(/[\u0300-\u036f]/g, "");
  // By way of the upper case, which writes ß as SS.
  const folded = bare.toLowerCase().toUpperCase().toLowerCase().normalize("NFC");
  const plain = folded.replaceAll(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter);
  return plain.replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, " ").trim();
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
