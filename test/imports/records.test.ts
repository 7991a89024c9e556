import fc from "fast-check";
import t from "tap";
import { parseCsv } from "../../src/imports/header.ts";
import { isBlank, RecordSplitter } from "../../src/imports/records.ts";

/** The records of a text that comes in pieces of this size, as [line, text or fault]. */
function split(text: string | Buffer, delimiter?: string, size = 7): [number, string][] {
  const bytes = Buffer.from(text as string);
  const splitter = new RecordSplitter(1, delimiter);
  const records = [];
  for (let at = 0; at < bytes.length; at += size) records.push(...splitter.push(bytes.subarray(at, at + size)));
  records.push(...splitter.end());
  return records
    .filter((record) => record.fault !== undefined || !isBlank(record))
    .map(({ line, bytes: own, fault }) => [line, fault ?? own.toString()]);
}

t.test("a record ends where its line ends, outside of quotes", async (t) => {
  t.same(split('a,b\r\n1,"x\r\n\r\ny"\r\n\r\n2,z', ","), [
    [1, "a,b"],
    [2, '1,"x\r\n\r\ny"'],
    [6, "2,z"],
  ]);
  t.same(split('{"a":"\\n\\""}\n\n{"b":1}\n'), [
    [1, '{"a":"\\n\\""}'],
    [3, '{"b":1}'],
  ]);
  t.same(split('5" pipe,1\n"say ""x"", \n",2\n', ","), [
    [1, '5" pipe,1'],
    [2, '"say ""x"", \n",2'],
  ]);
  t.same(split('a;"x\ny"\n', ";"), [[1, 'a;"x\ny"']]);
  t.same(split("", ","), []);
});

t.test("a quote that never closes costs its own line and none after it", async (t) => {
  t.same(
    split('1,a\n2,"b\n3,c\n4,"d"\n5,e', ","),
    [
      [1, "1,a"],
      [2, '2,"b\n3,c\n4,"d"'],
      [5, "5,e"],
    ],
    "where another quote follows it is text up to there, as csv-parse reads it",
  );
  t.same(
    split('10,"Best" app ever\n2,bad\n9,"fine, thanks"\n8,"o"k",x"\n7,y', ","),
    [
      [1, '10,"Best" app ever'],
      [2, "2,bad"],
      [3, '9,"fine, thanks"'],
      [4, '8,"o"k",x"'],
      [5, "7,y"],
    ],
    "and one that text follows ends what is quoted",
  );
  t.same(
    split('1,a\n2,"b\n3,c\n4,d\n5,"e"', ",").map(([line]) => line),
    [1, 2],
  );
  t.same(split('1,a\n2,"b\n3,c\n4,d', ","), [
    [1, "1,a"],
    [2, "has a quote that is not closed"],
    [3, "3,c"],
    [4, "4,d"],
  ]);
  const many = Array.from({ length: 60_000 }, (_, index) => `${index},x`);
  const found = split(`0,"y\n${many.join("\n")}`, ",", 50_000);
  t.same(found[0], [1, "has a quote that is not closed"]);
  t.equal(found.length, many.length + 1);
});

t.test("a line that is too long costs itself, and is not held in memory", async (t) => {
  const long = "x".repeat(300 * 1024);
  for (const delimiter of [",", undefined]) {
    t.same(split(`1\n${long}\n2\n${long}`, delimiter, 40_000), [
      [1, "1"],
      [2, "is longer than 256 kB"],
      [3, "2"],
      [4, "is longer than 256 kB"],
    ]);
  }
});

t.test("whatever the pieces, records are those that csv-parse finds", async (t) => {
  const cell = fc.stringMatching(/^[a",;\r\n é]{0,6}$/);
  const row = fc.array(cell, { minLength: 2, maxLength: 4 });
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), fc.integer({ min: 1, max: 40 }), (rows, size) => {
      const text = rows.map((cells) => cells.map(quoted).join(",")).join("\r\n");
      const found = split(text, ",", size);
      t.same(
        found.map(([, record]) => parseCsv(record, ",")[0]),
        rows,
      );
      const lines = rows.map(
        (_, index) =>
          text.split("\n").length -
          rows
            .slice(index)
            .map((cells) => cells.map(quoted).join(","))
            .join("\r\n")
            .split("\n").length +
          1,
      );
      t.same(
        found.map(([line]) => line),
        lines,
      );
    }),
  );
});
