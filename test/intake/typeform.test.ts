import { createHmac } from "node:crypto";
import t from "tap";
import { startService } from "../support/service.ts";

const SECRET = "a-secret-of-typeform";
const PAYLOAD = JSON.stringify({
  event_id: "e1",
  event_type: "form_response_partial",
  form_response: {
    form_id: "f",
    token: "unfinished",
    landed_at: "2026-01-02T03:04:05Z",
    definition: { id: "f", title: "NPS", fields: [{ id: "q", ref: "q", type: "nps", title: "Recommend?" }] },
    answers: [{ type: "number", number: 3, field: { id: "q", ref: "q", type: "nps" } }],
  },
});

t.test("an unfinished answer is taken only where the source says so, at the address all see", async (t) => {
  const service = await startService(t, { publicUrl: "https://nps.example.com" });
  for (const [partial, outcome, count] of [
    ["IGNORE", "IGNORED", 0],
    ["RECORD", "RECORDED", 1],
  ] as const) {
    const client = await service.newClient();
    const { body: source } = await client.post("/v1/sources", {
      name: "s",
      vendor: "TYPEFORM",
      secret: SECRET,
      partial,
    });
    t.equal(source.url, `https://nps.example.com/v1/intake/${source.id}`);
    const signature = `sha256=${createHmac("sha256", SECRET).update(PAYLOAD).digest("base64")}`;
    const answer = await service.app.inject({
      method: "POST",
      url: new URL(source.url).pathname,
      headers: { "content-type": "application/json", "typeform-signature": signature },
      payload: PAYLOAD,
    });
    t.match({ status: answer.statusCode, body: answer.json() }, { status: 200, body: { outcome } }, partial);
    const { data } = (await client.get("/v1/responses")).body;
    t.equal(data.length, count, partial);
    if (partial === "RECORD") t.match(data[0], { score: 3, externalId: "unfinished" });
  }
});

t.test("Typeform's older names of types, opinion-scale and textfield, are understood", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const { body: source } = await client.post("/v1/sources", { name: "s", vendor: "TYPEFORM", secret: SECRET });
  const scale = { id: "q", type: "opinion-scale", title: "Would you recommend us?" };
  const form = {
    form_id: "f",
    token: "older",
    submitted_at: "2026-01-02T03:04:05Z",
    definition: { fields: [scale, { id: "w", type: "textfield", title: "Why?" }] },
    answers: [
      { type: "number", number: 8, field: { id: "q", type: "opinion-scale" } },
      { type: "text", text: "Quick", field: { id: "w", type: "textfield" } },
    ],
  };
  const preview = { event_type: "form_response", form_response: form };
  const { body } = await client.post(`/v1/sources/${source.id}/preview`, preview);
  t.match(body, { outcome: "RECORDED", response: { score: 8, comment: "Quick", externalId: "older" } });

  const definition = {
    fields: [
      { ...scale, id: 38 },
      { id: 39, type: "textfield", title: "Why?" },
    ],
  };
  const answers = form.answers.map((answer, n) => ({ ...answer, field: { ...answer.field, id: String(38 + n) } }));
  const numbered = { event_type: "form_response", form_response: { ...form, definition, answers } };
  const { body: read } = await client.post(`/v1/sources/${source.id}/preview`, numbered);
  t.match(read, { outcome: "RECORDED", response: { score: 8, comment: "Quick" } }, "and ids that are numbers");
});
