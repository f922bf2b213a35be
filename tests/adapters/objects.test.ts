// Reading an object of a store that is read more slowly than it comes.

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { objectsOf } from "../../src/adapters/lancedb/objects.ts";
import { TransientError } from "../../src/errors.ts";

const BYTES = 200_000;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A store that answers every request in this way. */
async function storeThat(answer: (socket: Socket) => void) {
  const server = createServer((socket) => socket.on("error", () => {}).once("data", () => answer(socket)));
  closing.push(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  return objectsOf({ uri: "s3://bucket/folder", accessKey: "key", secretKey: "secret", endpoint });
}

const head = (status: string, bytes: number) =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`;

test("comes whole though the store closed the connection long before it is read", async () => {
  const store = await storeThat((socket) => {
    socket.write(head("200 OK", BYTES));
    socket.end(Buffer.alloc(BYTES, "a"));
  });
  const content = await store.read("object");
  await sleep(50);
  expect((await buffer(content)).equals(Buffer.alloc(BYTES, "a"))).toBe(true);
});

test("is refused when the connection ends before all of it came", async () => {
  const store = await storeThat((socket) => {
    socket.write(head("200 OK", BYTES));
    socket.end(Buffer.alloc(BYTES - 1, "a"));
  });
  const content = await store.read("object");
  await expect(buffer(content)).rejects.toThrow();
});

test("an answer that is none tells its status", async () => {
  const store = await storeThat((socket) => socket.end(`${head("404 Not Found", 2)}no`));
  await expect(store.read("object")).rejects.toThrow(new TransientError("The object store answers with status 404."));
});

test("a store that hangs up is one that cannot be reached", async () => {
  const store = await storeThat((socket) => socket.destroy());
  await expect(store.read("object")).rejects.toThrow(/^The object store cannot be reached/);
});
