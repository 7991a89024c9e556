import { LRUCache } from "lru-cache";

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

/** A comment as matchers take it: folded once for all of them. */
export function foldComment(comment: string): string {
  return ` ${foldWords(comment)} `;
}

/** Says whether a folded comment has one of the phrases, each as whole words. */
export type Matches = (folded: string) => boolean;

const MATCHERS_KEPT = 1_000;
const known = new LRUCache<string, Matches>({ max: MATCHERS_KEPT });

/** What says it of these phrases; it is made once, as answers come in faster than themes change. */
export function matcherOf(phrases: readonly string[]): Matches {
  const key = JSON.stringify(phrases);
  const matches = known.get(key) ?? makeMatcher(phrases);
  known.set(key, matches);
  return matches;
}

function makeMatcher(phrases: readonly string[]): Matches {
  const words = phrases.map(foldWords).filter((phrase) => phrase !== "");
  const whole = words.filter((phrase) => !UNSPACED.test(phrase)).map((phrase) => ` ${phrase} `);
  const anywhere = words.filter((phrase) => UNSPACED.test(phrase));
  return (folded) =>
    whole.some((phrase) => folded.includes(phrase)) || anywhere.some((phrase) => folded.includes(phrase));
}
