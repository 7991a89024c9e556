import fc from "fast-check";
import t from "tap";
import { canonicalJson, mergePatch, parseJson } from "../../src/platform/json.ts";

const parse = (text: string) => parseJson(Buffer.from(text));

t.test("whatever JSON.stringify writes is parsed to the same value", async () => {
  const value = fc.jsonValue({ maxDepth: 8 }).filter((json) => !JSON.stringify(json).includes("__proto__"));
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 2, "\t"), (json, space) => {
      const text = JSON.stringify(json, null, space);
      return JSON.stringify(parse(text)) === JSON.stringify(JSON.parse(text));
    }),
  );
});

t.test("a key that stands twice is found at any depth and in any spelling, and named", async (t) => {
  for (const [text, name] of [
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"x":[{"b":{},"c":"}{","b" : 1}]}', "x.b"],
    ['{"q\\"":1,"q\\"":2}', 'q"'],
    ['{"a\\\\":1,"a\\\\":2}', "a\\"],
  ] as const) {
    t.throws(() => parse(text), { code: "invalid_request", invalidParams: [{ name }] }, text);
  }
  for (const text of ['{"a":{"a":{"a":1}}}', '[{"a":1},{"a":2}]', '{"a":"\\"a\\":1,","b":"a"}', '{"":1}']) {
    t.same(parse(text), JSON.parse(text));
  }
});

t.test("what is no JSON is refused, and a byte-order mark is named", async (t) => {
  for (const text of ["", "{", "nul", "{'a':1}"])
    t.throws(() => parse(text), { message: "The body is not valid JSON." });
  t.throws(() => parse("\ufeff{}"), { code: "invalid_request", message: /byte-order mark/ });
});

t.test("equal values have one canonical form, whatever the order of their keys", async (t) => {
  t.equal(canonicalJson({ b: [2, { d: 1, c: null }], a: "x" }), '{"a":"x","b":[2,{"c":null,"d":1}]}');
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const reversed = Object.fromEntries(Object.entries(object).toReversed());
      return canonicalJson(object) === canonicalJson(reversed);
    }),
  );
});

t.test("a merge patch does what RFC 7396 says in its examples", async (t) => {
  for (const [target, patch, result] of [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: "b" }, null, {}],
    [{ a: "b" }, undefined, { a: "b" }],
  ] as const) {
    t.same(mergePatch(target, patch), result, `${JSON.stringify(target)} and ${JSON.stringify(patch)}`);
  }
});
