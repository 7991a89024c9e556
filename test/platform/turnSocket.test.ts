import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import t from "tap";
import { TurnSocket } from "../../src/platform/turnSocket.ts";

t.test("what is written in one turn goes out at once, and nothing waits for the next", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await once(server, "listening");
  const client = new TurnSocket();
  t.teardown(() => client.destroy());
  const accepted = once(server, "connection") as Promise<[Socket]>;
  await once(client.connect((server.address() as AddressInfo).port, "127.0.0.1"), "connect");
  const [receiver] = await accepted;

  const state = () => ({ corked: client.writableCorked, waiting: client.writableLength });
  for (const statement of ["ab", "cd"]) {
    client.cork();
    for (const message of statement) client.write(message);
    client.uncork();
    await Promise.resolve();
  }
  t.same(state(), { corked: 1, waiting: 4 });
  t.equal((await once(receiver, "data")).join(""), "abcd");
  t.same(state(), { corked: 0, waiting: 0 });

  client.write("e");
  t.equal((await once(receiver, "data")).join(""), "e");
});
