import fc from "fast-check";
import t from "tap";
import { findDelimiter, parseCsv, readHeader } from "../../src/imports/header.ts";
import { guardFormula, toCsvLine, unguardFormula } from "../../src/platform/spreadsheet.ts";

const named = (header: string[], map: Record<string, string> = {}) => {
  const read = readHeader(header, map);
  return "invalid" in read ? read.invalid.map(({ name }) => name) : read.columns.map((field) => field?.path.join("/"));
};

t.test("columns are fields by their own names, or by a mapping", async (t) => {
  t.same(named(["score", "person.account.annualValue", "properties.plan.a", ""]), [
    "score",
    "person/account/annualValue",
    "properties/plan.a",
    undefined,
  ]);
  t.same(named(["When?", "How likely", "score", "comment"], { score: "How likely", respondedAt: "When?" }), [
    "respondedAt",
    "score",
    undefined,
    "comment",
  ]);
  t.same(named(["score", "nonsense", "person"]), ["nonsense", "person"]);
  t.same(named(["a", "b"], { score: "c", "person.nonsense": "a", "properties.__proto__": "a" }), [
    "map.score",
    "map.person.nonsense",
    "map.properties.__proto__",
  ]);
  t.same(named(["a"], { score: "a", comment: "a" }), ["map.comment"]);
  t.same(named(["score", "comment", "score"]), ["score"]);
  t.same(named(["comment"]), ["score"]);
});

t.test("the delimiter is what stands between the columns of the header", async (t) => {
  t.equal(findDelimiter("a,b;c,d\n1;2;3;4;5"), ",");
  t.equal(findDelimiter('score;"a, b, c";comment\n'), ";");
  t.equal(findDelimiter("score\tcomment\n"), "\t");
  t.equal(findDelimiter("score"), ",");
});

t.test("no text is run by a spreadsheet, and every text comes back as it was", async (t) => {
  for (const text of ["=1+1", "+49 30", "-1", "@SUM(A1)", "\t=1", "  =1", "\u00a0=1", "\n=1", "\rx", "'=1", "＝1"]) {
    t.equal(guardFormula(text), `'${text}`, JSON.stringify(text));
  }
  for (const text of ["a=1", "'tis", "1-2", ""]) t.equal(guardFormula(text), text);
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^['=+\-@\t\r\n a";,\u00a0]{0,8}$/), { minLength: 1 }), (texts) => {
      const [cells = []] = parseCsv(toCsvLine([1, ...texts]), ",");
      t.same(cells.map(unguardFormula), ["1", ...texts]);
    }),
  );
  t.equal(toCsvLine([-5, "-5", true, null, 'a"b']), '-5,\'-5,true,,"a""b"\r\n');
});
