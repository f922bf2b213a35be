// The cache before an object store: blocks on the disk, and the server that LanceDB reads through.

import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBlockCache } from "../../src/adapters/lancedb/object-cache/blocks.ts";
import { ROWS_BLOCK_BYTES as BLOCK_BYTES } from "../../src/adapters/lancedb/object-cache/cut.ts";
import { openObjectCache } from "../../src/adapters/lancedb/object-cache/index.ts";
import { closeAfterTest, temporaryFolder, until } from "../support/backscroll.ts";

const HOUR_MS = 3_600_000;
const name = (n: number) => `${"ab".repeat(20)}-${n}`;
const bytes = (length: number, seed = 1) =>
  Buffer.from(Uint8Array.from({ length }, (_, b) => (b * 31 + seed * 7) % 251));

describe("blocks", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  const open = (maxBytes = 1e9, now = Date.now) => openBlockCache(folder, { maxBytes, keepMs: HOUR_MS }, now);

  test("are read back in part and whole, also by the next process", () => {
    const content = bytes(1_000);
    open().write(name(3), content);
    const again = open();
    expect(again.has(name(3))).toBe(true);
    expect(again.read(name(3), 10, 20)).toEqual(content.subarray(10, 20));
    expect(again.read(name(3), 0, 1_000)).toEqual(content);
    expect(again.has(name(4))).toBe(false);
    expect(again.read(name(4), 0, 1)).toBeUndefined();
  });

  test("go when there is too much: the longest unused first", async () => {
    const cache = open(3_500);
    for (const n of [1, 2, 3]) cache.write(name(n), bytes(1_000, n));
    cache.read(name(1), 0, 1);
    cache.write(name(4), bytes(1_000, 4));
    expect([1, 2, 3, 4].filter((n) => cache.has(name(n)))).toEqual([1, 3, 4]);
    expect((await readdir(folder)).sort()).toEqual([1, 3, 4].map(name));
  });

  test("go when they have been there too long, used or not", async () => {
    let now = Date.now();
    const cache = open(1e9, () => now);
    cache.write(name(1), bytes(10));
    now += HOUR_MS / 2;
    cache.write(name(2), bytes(10));
    expect(cache.read(name(1), 0, 1)).toBeDefined();
    now += HOUR_MS / 2 + 60_000;
    expect(cache.has(name(1))).toBe(false);
    expect(cache.read(name(1), 0, 1)).toBeUndefined();
    cache.write(name(1), bytes(10));
    now += HOUR_MS / 2;
    cache.sweep();
    expect(await readdir(folder)).toEqual([name(1)]);
  });

  test("that another process wrote go in time, too, and files that nobody finished", async () => {
    const cache = open();
    open().write(name(7), bytes(10));
    await writeFile(join(folder, `${name(8)}.new`), "half");
    const longAgo = new Date(Date.now() - 2 * HOUR_MS);
    for (const file of await readdir(folder)) await utimes(join(folder, file), longAgo, longAgo);
    cache.sweep();
    expect(await readdir(folder)).toEqual([]);
  });

  test("that are damaged are none", async () => {
    open().write(name(1), bytes(500));
    const file = join(folder, name(1));
    const content = await readFile(file);
    content[100] = (content[100] ?? 0) ^ 1;
    await writeFile(file, content);
    const cache = open();
    expect(cache.read(name(1), 0, 10)).toBeUndefined();
    expect(cache.has(name(1))).toBe(false);
    open().write(name(2), bytes(500));
    await writeFile(join(folder, name(2)), "");
    expect(open().read(name(2), 0, 10)).toBeUndefined();
  });

  test("that somebody removed are none", async () => {
    const cache = open();
    cache.write(name(1), bytes(500));
    await rm(join(folder, name(1)));
    expect(cache.read(name(1), 0, 10)).toBeUndefined();
  });
});

/** Objects by path, and what was asked for. */
async function startStore() {
  const objects = new Map<string, Buffer>();
  const asked: { method: string; path: string; range: string | undefined; headers: IncomingMessage["headers"] }[] = [];
  const server: Server = createServer(async (request, response) => {
    const { method = "", url: path = "", headers } = request;
    asked.push({ method, path, range: headers.range, headers });
    const content = objects.get(path);
    if (method === "PUT") {
      if (headers["if-none-match"] === "*" && content !== undefined) return response.writeHead(412).end();
      objects.set(path, await buffer(request));
      return response.writeHead(200, { etag: '"new"' }).end();
    }
    if (content === undefined) return response.writeHead(404).end("<Code>NoSuchKey</Code>");
    const common = { etag: '"one"', "last-modified": "Mon, 30 Nov 2026 00:00:00 GMT" };
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
    const part = from === undefined ? content : content.subarray(Number(from), Number(to) + 1);
    response.writeHead(from === undefined ? 200 : 206, { ...common, "content-length": part.length });
    return response.end(method === "HEAD" ? undefined : part);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  closeAfterTest(close);
  return { objects, asked, endpoint: `http://127.0.0.1:${port}`, close, listen: () => listen(port) };
}

describe("reading through the cache", () => {
  const DATA = "/bucket/index/table.lance/data/abc.lance";
  let store: Awaited<ReturnType<typeof startStore>>;
  let folder: string;
  beforeEach(async () => {
    store = await startStore();
    folder = await temporaryFolder();
  });
  afterEach(() => expect(unusable).toEqual([]));
  const unusable: string[] = [];

  async function open(keepMs = HOUR_MS) {
    const given = { uri: "s3://bucket/index", accessKey: "key", secretKey: "secret", endpoint: store.endpoint };
    const cache = await openObjectCache(given, {
      folder,
      maxBytes: 1e9,
      keepMs,
      onUnusable: (why) => unusable.push(why),
    });
    closeAfterTest(() => cache.close());
    const { endpoint = "" } = cache.store;
    const get = (path: string, range?: string, method = "GET") =>
      fetch(`${endpoint}${path}`, { method, ...(range && { headers: { range } }) });
    return { ...cache, endpoint, get };
  }
  const bodyOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
  const gets = () => store.asked.filter(({ method }) => method === "GET");

  test("what never changes is asked of the store once, in whole blocks, and answered as the store would", async () => {
    const content = bytes(2 * BLOCK_BYTES + 1_000);
    store.objects.set(DATA, content);
    const { get } = await open();
    const answer = await get(DATA, "bytes=100-199");
    expect(answer.status).toBe(206);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      etag: '"one"',
      "last-modified": "Mon, 30 Nov 2026 00:00:00 GMT",
      "content-range": `bytes 100-199/${content.length}`,
      "content-length": "100",
    });
    expect(await bodyOf(answer)).toEqual(content.subarray(100, 200));
    expect(gets().map(({ range }) => range)).toEqual([`bytes=0-${BLOCK_BYTES - 1}`]);
    // Across the border: only what is missing is asked for, all of it at once.
    const across = await get(DATA, `bytes=${BLOCK_BYTES - 10}-${2 * BLOCK_BYTES + 9}`);
    expect(await bodyOf(across)).toEqual(content.subarray(BLOCK_BYTES - 10, 2 * BLOCK_BYTES + 10));
    expect(gets().map(({ range }) => range)[1]).toBe(`bytes=${BLOCK_BYTES}-${content.length - 1}`);
    for (const range of ["bytes=5-", "bytes=-7", undefined]) {
      const rest = await get(DATA, range);
      const expected = range === undefined ? content : content.subarray(range === "bytes=5-" ? 5 : -7);
      expect((await bodyOf(rest)).equals(expected)).toBe(true);
    }
    expect((await get(DATA, undefined, "HEAD")).headers.get("content-length")).toBe(String(content.length));
    expect(gets()).toHaveLength(2);
    expect(store.asked.filter(({ method }) => method === "HEAD")).toHaveLength(1);
  });

  test("however many ask for a piece at once, the store is asked once", async () => {
    store.objects.set(DATA, bytes(1_000));
    const { get } = await open();
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(DATA, "bytes=0-9")));
    for (const answer of answers) expect(await bodyOf(answer)).toEqual(bytes(1_000).subarray(0, 10));
    expect(store.asked).toHaveLength(2);
  });

  test("the next process finds it on the disk, and asks only whether it is still there", async () => {
    store.objects.set(DATA, bytes(1_000));
    const first = await open();
    await bodyOf(await first.get(DATA, "bytes=0-9"));
    await first.close();
    const { get } = await open();
    expect(await bodyOf(await get(DATA, "bytes=2-9"))).toEqual(bytes(1_000).subarray(2, 10));
    expect(gets()).toHaveLength(1);
  });

  test("versions, lists, changes and whatever is not there are the store's own, signed, with their conditions", async () => {
    const { get, endpoint } = await open();
    const version = "/bucket/index/table.lance/_versions/1.manifest";
    for (const content of ["one", "two"]) {
      store.objects.set(version, Buffer.from(content));
      expect((await bodyOf(await get(version))).toString()).toBe(content);
    }
    const create = () => fetch(`${endpoint}${DATA}`, { method: "PUT", body: "new", headers: { "if-none-match": "*" } });
    expect((await create()).status).toBe(200);
    expect((await create()).status).toBe(412);
    expect((await bodyOf(await get(DATA))).toString()).toBe("new");
    const missing = await get("/bucket/index/table.lance/data/none.lance", "bytes=0-9");
    expect(missing.status).toBe(404);
    expect(store.asked.at(-1)?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=key\//);
    await get("/bucket?list-type=2&prefix=index%2Ftable.lance%2Fdata%2F");
    expect(store.asked.at(-1)?.path).toBe("/bucket?list-type=2&prefix=index%2Ftable.lance%2Fdata%2F");
  });

  test("others on this machine are told nothing", async () => {
    store.objects.set(DATA, bytes(10));
    const { endpoint } = await open();
    const { origin } = new URL(endpoint);
    expect((await fetch(`${origin}${DATA}`)).status).toBe(403);
    expect((await fetch(`${origin}/guess${DATA}`)).status).toBe(403);
    expect(store.asked).toEqual([]);
  });

  test("a store that is away is away, but for what is here; when it is back, all is", async () => {
    store.objects.set(DATA, bytes(1_000));
    store.objects.set(`${DATA}2`, bytes(1_000, 2));
    const { get } = await open();
    await bodyOf(await get(DATA));
    await store.close();
    await expect(get(`${DATA}2`)).rejects.toThrow();
    expect(await bodyOf(await get(DATA, "bytes=0-9"))).toEqual(bytes(1_000).subarray(0, 10));
    await store.listen();
    expect(await bodyOf(await get(`${DATA}2`))).toEqual(bytes(1_000, 2));
  });

  test("its folder may be taken away: it makes it again, at the same address", async () => {
    store.objects.set(DATA, bytes(1_000));
    const { get } = await open(4_000);
    await bodyOf(await get(DATA));
    await rm(folder, { recursive: true });
    await until("it is back", async () => {
      const answer = await get(DATA).catch(() => undefined);
      return answer?.ok && (await readdir(folder).catch(() => [])).length > 0;
    });
    expect(await bodyOf(await get(DATA))).toEqual(bytes(1_000));
  });

  test("nothing that was read stays longer than it may", async () => {
    store.objects.set(DATA, bytes(1_000));
    const { get } = await open(100);
    await bodyOf(await get(DATA));
    expect(await readdir(folder)).toHaveLength(1);
    await until("it is gone", async () => (await readdir(folder)).length === 0);
  });
});

test("without a folder that can be used there is no cache, and it is said", async () => {
  const folder = join(await temporaryFolder(), "file");
  await writeFile(folder, "");
  const told: string[] = [];
  const given = { uri: "s3://bucket/index", accessKey: "key", secretKey: "secret", endpoint: "http://127.0.0.1:1" };
  const { store, close } = await openObjectCache(given, {
    folder,
    maxBytes: 1e6,
    keepMs: HOUR_MS,
    onUnusable: (why) => told.push(why),
  });
  await close();
  expect(store).toEqual(given);
  expect(told).toEqual([expect.stringContaining("EEXIST")]);
});
