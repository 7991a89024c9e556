import t from "tap";
import { foldComment, foldWords, matcherOf } from "../../src/themes/matching.ts";

t.test("words are folded in any language", async (t) => {
  for (const [text, folded] of [
    ["Größe", "grosse"],
    ["GROSSE!", "grosse"],
    ["GROẞE", "grosse"],
    ["Łódź, ŻÓŁW", "lodz zolw"],
    ["København Ærø Đakovo", "kobenhavn aero dakovo"],
    ["Œuvre Þór", "oeuvre thor"],
    ["  déjà-vu ", "deja vu"],
    ["ΟΔΟΣ οδός", "οδος οδος"],
    ["İstanbul ısı", "istanbul isi"],
    ["Ёлка", "елка"],
    ["हिन्दी", "हिन्दी"],
    ["ﬁne ①", "fine 1"],
    ["don't", "don t"],
    ["…", ""],
  ] as const) {
    t.equal(foldWords(text), folded, text);
  }
});

t.test("a phrase is found as whole words, in its order", async (t) => {
  const isAbout = (phrases: string[], comment: string) => matcherOf(phrases)(foldComment(comment));
  t.ok(isAbout(["slow"], "Too SLOW."));
  t.notOk(isAbout(["slow"], "slowly"));
  t.ok(isAbout(["customer service"], "Your customer-service, really"));
  t.notOk(isAbout(["customer service"], "service for a customer"));
  t.ok(isAbout(["preis", "price"], "The price!"));
  t.ok(isAbout(["遅い"], "とても遅いです"), "where words have no spaces it is found anywhere");
  t.ok(isAbout(["ราคา"], "ราคาแพงมาก"));
  t.notOk(isAbout([], "anything"));
  t.notOk(isAbout(["!"], "!"), "what has no word is found nowhere");
});
