import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { startService } from "../support/service.ts";

const run = promisify(execFile);

/** The code of the page that is fenced as this language. */
async function codeOf(language: string): Promise<string> {
  const page = await readFile(new URL("../../docs/senders.md", import.meta.url), "utf8");
  const [, code, ...more] = page.split(`\`\`\`${language}\n`).map((part) => part.split("```", 1)[0]);
  if (code === undefined || more.length > 0) throw new Error(`docs/senders.md has not one ${language} sender`);
  return code;
}

const exists = (command: string, ...args: string[]) =>
  run(command, args).then(
    () => true,
    () => false,
  );

t.test("the senders of the documentation send an answer as they are", async (t) => {
  const service = await startService(t);
  const client = await service.newClient();
  const { body: source } = await client.post("/v1/sources", {
    name: "Senders",
    vendor: "STANDARD_WEBHOOKS",
    key: "ours",
  });
  const origin = await service.app.listen({ host: "127.0.0.1", port: 0 });
  const environment = { WEBHOOK_URL: `${origin}/v1/intake/${source.id}`, WEBHOOK_SECRET: source.secret };
  const senders: [string, string, string, string[][]][] = [
    [
      "bash",
      "sender.sh",
      "bash",
      [
        ["bash", "--version"],
        ["curl", "--version"],
        ["openssl", "version"],
      ],
    ],
    ["js", "sender.mjs", process.execPath, []],
    ["python", "sender.py", "python3", [["python3", "--version"]]],
  ];
  let sent = 0;
  for (const [language, file, program, needs] of senders) {
    const found = await Promise.all(needs.map(([command = "", ...args]) => exists(command, ...args)));
    if (found.includes(false)) {
      console.error(`skipped: the ${language} sender needs ${needs.map(([command]) => command).join(", ")}`);
      continue;
    }
    const path = join(t.testdir({}), file);
    await writeFile(path, await codeOf(language));
    const env = { PATH: process.env["PATH"], ...environment };
    const { stdout } = await run(program, [path], { env });
    t.match(stdout, /"outcome":"RECORDED"/, `${language}: ${stdout}`);
    sent += 1;
    await t.rejects(run(program, [path], { env: { ...env, WEBHOOK_SECRET: `whsec_${"A".repeat(44)}` } }), language);
  }
  t.ok(sent >= 1);
  const { data } = (await client.get("/v1/responses?source=ours")).body;
  t.equal(data.length, sent);
  for (const response of data)
    t.match(response, { score: 9, comment: /^Sent by/, person: { email: "ana@example.com" } });
});
