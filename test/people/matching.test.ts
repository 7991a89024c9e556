import t from "tap";
import { matchPeople } from "../../src/people/matching.ts";
import type { PersonFacts } from "../../src/people/model.ts";

const person = (id: string, known: Partial<PersonFacts>): PersonFacts => ({
  id,
  externalId: null,
  email: null,
  phone: null,
  name: null,
  properties: {},
  accountId: null,
  ...known,
});

t.test("matched by externalId before e-mail before phone", async (t) => {
  const found = [
    person("p1", { externalId: "u-1" }),
    person("p2", { email: "b@example.com" }),
    person("p3", { phone: "123" }),
  ];
  const { matched } = matchPeople(
    [{ externalId: "u-1", email: "b@example.com", phone: "123" }, { email: "b@example.com" }],
    found,
  );
  t.same(
    matched.map(({ id }) => id),
    ["p1", "p1"],
    "and what was named with the first belongs to them from then on",
  );
});

t.test("e-mail is compared in lower case, phone without separators", async (t) => {
  const found = [person("p1", { email: "ana@example.com" }), person("p2", { phone: "+49301234" })];
  const { matched, created, changed } = matchPeople([{ email: "Ana@Example.COM" }, { phone: "+49 (30) 12-34" }], found);
  t.same(
    matched.map(({ id }) => id),
    ["p1", "p2"],
  );
  t.same([created, changed], [[], []]);
});

t.test("an unclaimed person adopts a new externalId", async (t) => {
  const { matched, created, released } = matchPeople(
    [{ externalId: "u-1", email: "a@example.com" }],
    [person("p1", { email: "a@example.com" })],
  );
  t.match(matched, [{ id: "p1", externalId: "u-1", email: "a@example.com" }]);
  t.same([created, released], [[], []]);
});

t.test("where the e-mail's owner has another externalId, the new person takes the e-mail over", async (t) => {
  const { matched, created, changed, released } = matchPeople(
    [{ externalId: "u-2", email: "a@example.com" }],
    [person("p1", { externalId: "u-1", email: "a@example.com", name: "Ana" })],
  );
  t.match(matched, [{ externalId: "u-2", email: "a@example.com", name: null }]);
  t.equal(created.length, 1);
  t.match(changed, [{ id: "p1", externalId: "u-1", email: null, name: "Ana" }]);
  t.same(released, ["p1"]);
});

t.test("two people who swap their e-mail addresses both let go first", async (t) => {
  const { changed, released } = matchPeople(
    [
      { externalId: "u-1", email: "b@example.com" },
      { externalId: "u-2", email: "a@example.com" },
    ],
    [
      person("p1", { externalId: "u-1", email: "a@example.com" }),
      person("p2", { externalId: "u-2", email: "b@example.com" }),
    ],
  );
  t.match(changed, [{ email: "b@example.com" }, { email: "a@example.com" }]);
  t.same(released, ["p1", "p2"]);
});

t.test("an address that was given up leads nowhere", async (t) => {
  const { matched } = matchPeople(
    [{ externalId: "u-1", email: "new@example.com" }, { email: "old@example.com" }],
    [person("p1", { externalId: "u-1", email: "old@example.com" })],
  );
  t.not(matched[0]?.id, matched[1]?.id);
});

t.test("what is not given is kept, and so is what is null of an identity", async (t) => {
  const known = person("p1", { externalId: "u-1", email: "a@example.com", name: "Ana", accountId: "acme" });
  const { matched, changed } = matchPeople([{ externalId: "u-1", email: null, properties: { plan: "pro" } }], [known]);
  t.same(matched, [{ ...known, properties: { plan: "pro" } }]);
  t.equal(changed.length, 1);
  t.same(matchPeople([{ externalId: "u-1", name: null }], [known]).matched[0]?.name, null, "null clears the name");
});

t.test("several answers of one new person make one person, the last word wins", async (t) => {
  const { matched, created } = matchPeople(
    [
      { email: "a@example.com", name: "A" },
      { externalId: "u-1", email: "a@example.com" },
      { externalId: "u-1", name: "Ana" },
    ],
    [],
  );
  t.equal(new Set(matched.map(({ id }) => id)).size, 1);
  t.match(created, [{ externalId: "u-1", email: "a@example.com", name: "Ana" }]);
});

t.test("where null says that there is none, it clears the identity", async (t) => {
  const known = person("p1", { externalId: "u-1", email: "a@example.com" });
  const { matched, released } = matchPeople([{ externalId: "u-1", email: null }], [known], "none");
  t.match(matched, [{ id: "p1", email: null }]);
  t.same(released, ["p1"]);
});
