// What can go wrong between LanceDB, the cache on the disk and the store behind it: nobody is told anything else than what the store
// holds, and a cache that cannot be written to costs time only.

import { mkdir, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { ROWS_BLOCK_BYTES as BLOCK_BYTES } from "../../../src/adapters/lancedb/object-cache/cut.ts";
import { temporaryFolder } from "../../support/backscroll.ts";
import { openCachingServer } from "../../support/caching-server.ts";
import { listenForTest } from "../../support/listen.ts";

const DATA = "/bucket/index/table.lance/data/abc.lance";
const VERSION = "/bucket/index/table.lance/_versions/1.manifest";
const HOUR_MS = 3_600_000;
const bytes = (length: number, seed = 1) => {
  const content = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) content[at] = (at * 31 + (at >> 8) * 7 + seed) % 251;
  return content;
};

let folder: string;
/** What the store holds. */
let objects: Map<string, Buffer>;
/** The requests for content that it was sent. */
let gets: string[];
/** Answers one request instead of the store. */
let instead: ((response: ServerResponse, content: Buffer) => void) | undefined;
let endpoint: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  [objects, gets, instead] = [new Map(), [], undefined];
  const server = createServer((request, response) => {
    const { method, url = "", headers } = request;
    const content = objects.get(url);
    if (method === "GET") gets.push(`${url} ${headers.range ?? ""}`.trim());
    if (content === undefined) {
      const words = "<Code>NoSuchKey</Code>";
      return response.writeHead(404, { "content-length": words.length }).end(words);
    }
    const [, from = "0", to = String(content.length)] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
    const part = content.subarray(Number(from), Number(to) + 1);
    if (instead !== undefined && method === "GET") {
      const answer = instead;
      instead = undefined;
      return answer(response, part);
    }
    response.writeHead(headers.range === undefined ? 200 : 206, { "content-length": part.length });
    return response.end(method === "HEAD" ? undefined : part);
  });
  endpoint = await listenForTest(server);
});

const open = (maxBytes?: number) => openCachingServer(folder, endpoint, maxBytes);
const blocksKept = async () => (await readdir(folder)).length;

describe("a store that dies in the middle of its answer", () => {
  const dying = (response: ServerResponse, content: Buffer) => {
    response.writeHead(206, { "content-length": content.length });
    response.write(content.subarray(0, content.length / 2), () => response.destroy());
  };

  test("has given nothing: none of it is passed on or kept, and it is asked again", async () => {
    objects.set(DATA, bytes(1_000));
    const { get } = await open();
    instead = dying;
    await expect(get(DATA, "bytes=0-9")).rejects.toThrow();
    expect(await blocksKept()).toBe(0);
    expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
    expect(gets).toHaveLength(2);
  });

  test("fails whoever else waits for the same piece, and not those who wait for another", async () => {
    objects.set(DATA, bytes(BLOCK_BYTES + 1_000));
    const { get } = await open();
    instead = dying;
    const [first, second, other] = await Promise.allSettled([
      get(DATA, "bytes=0-9"),
      get(DATA, "bytes=10-19"),
      get(DATA, `bytes=${BLOCK_BYTES}-${BLOCK_BYTES + 9}`),
    ]);
    expect([first?.status, second?.status, other?.status]).toEqual(["rejected", "rejected", "fulfilled"]);
  });

  test("after the beginning of a large object: the rest is not made up, and what came is kept", async () => {
    const content = bytes(8 * 1024 * 1024 + 1_000);
    objects.set(DATA, content);
    const { get } = await open();
    await get(DATA, "bytes=0-9");
    await get(DATA, `bytes=0-${8 * 1024 * 1024 - 1}`);
    const before = gets.length;
    instead = dying;
    await expect(get(DATA)).rejects.toThrow();
    expect((await get(DATA)).equals(content)).toBe(true);
    expect(gets.length).toBe(before + 2);
  });

  test("of a version: it is not passed on as a whole one", async () => {
    objects.set(VERSION, bytes(1_000));
    const { get } = await open();
    instead = dying;
    await expect(get(VERSION)).rejects.toThrow();
    expect(await get(VERSION)).toEqual(bytes(1_000));
  });
});

test("an answer of another length than was asked for is none", async () => {
  objects.set(DATA, bytes(1_000));
  const { get } = await open();
  for (const length of [999, 1_001]) {
    instead = (response) => response.writeHead(206).end(bytes(length));
    await expect(get(DATA, "bytes=0-9")).rejects.toThrow();
  }
  expect(await blocksKept()).toBe(0);
  expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
});

test("a store that refuses is heard in its own words, each time, until it does not refuse", async () => {
  const { get } = await open();
  await expect(get(VERSION)).rejects.toThrow("404 <Code>NoSuchKey</Code>");
  // Its words are lost where it is asked for the size first, and nobody waits for as many bytes as they would have had.
  await expect(get(DATA)).rejects.toThrow(/^404 $/);
  objects.set(DATA, bytes(1_000));
  instead = (response) => response.writeHead(503).end("<Code>SlowDown</Code>");
  await expect(get(DATA, "bytes=0-9")).rejects.toThrow("503 <Code>SlowDown</Code>");
  expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
});

describe("a block", () => {
  test("that was half written when the power went is fetched anew", async () => {
    objects.set(DATA, bytes(1_000));
    const first = await open();
    await first.get(DATA);
    const [name = ""] = await readdir(folder);
    for (const length of [500, 3, 0]) {
      await truncate(join(folder, name), length);
      const { get } = await open();
      expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
      expect((await readFile(join(folder, name))).length).toBe(1_004);
    }
    expect(gets).toHaveLength(4);
  });

  test("of which only the beginning was ever written does not count, and is gone a minute later", async () => {
    objects.set(DATA, bytes(1_000));
    const { get } = await open();
    await get(DATA);
    const [name = ""] = await readdir(folder);
    await rm(join(folder, name));
    const unfinished = join(folder, `${name}.new`);
    await writeFile(unfinished, bytes(500));
    const { blocks } = await open();
    expect(blocks.has(name)).toBe(false);
    expect(await readdir(folder)).toEqual([`${name}.new`]);
    const before = new Date(Date.now() - 61_000);
    await utimes(unfinished, before, before);
    blocks.sweep();
    expect(await blocksKept()).toBe(0);
  });

  test("that finds the disk full is passed on and not kept", async () => {
    objects.set(DATA, bytes(1_000));
    const { get } = await open();
    await get(DATA);
    const [name = ""] = await readdir(folder);
    await rm(join(folder, name));
    // The block goes where nothing fits.
    for (let attempts = 0; attempts < 2; attempts += 1) {
      await symlink("/dev/full", join(folder, `${name}.new`));
      expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
      expect(await readdir(folder)).toEqual([]);
    }
    expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
    expect(await readdir(folder)).toEqual([name]);
  });

  test("of an earlier process goes by its age where there is too much, whatever it is called", async () => {
    const names = [3, 1, 2].map((n) => `${"ab".repeat(20)}-${n}`);
    for (const [hours, name] of names.entries()) {
      await writeFile(join(folder, name), bytes(1_000));
      const at = new Date(Date.now() - (50 - 10 * hours) * 60_000);
      await utimes(join(folder, name), at, at);
    }
    const { blocks } = await open(2_500);
    expect(names.map(blocks.has)).toEqual([false, true, true]);
  });

  test("that is put out while others are read is read all the same", async () => {
    const content = bytes(5 * BLOCK_BYTES - 7);
    objects.set(DATA, content);
    // Room for one and a half.
    const { get } = await open(1.5 * BLOCK_BYTES);
    const spans = Array.from({ length: 16 }, (_, n) => {
      const start = (n * 97_003) % (content.length - 1);
      return [start, Math.min(content.length, start + 1 + ((n * 61_001) % (3 * BLOCK_BYTES)))] as const;
    });
    const read = await Promise.all(spans.map(([start, end]) => get(DATA, `bytes=${start}-${end - 1}`)));
    for (const [n, [start, end]] of spans.entries()) {
      expect(read[n]?.equals(content.subarray(start, end)), `${start} to ${end}`).toBe(true);
    }
    expect(await blocksKept()).toBe(1);
  });
});

describe("a folder that is not as it should be", () => {
  test("may go away: everything is read from the store, and kept again once it is back", async () => {
    objects.set(DATA, bytes(1_000));
    const { get, blocks } = await open();
    await get(DATA);
    await rm(folder, { recursive: true });
    expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
    expect(gets).toHaveLength(2);
    blocks.sweep();
    await get(DATA);
    expect(await blocksKept()).toBe(1);
  });

  test("may be another thing for a while: nothing fails for that", async () => {
    objects.set(DATA, bytes(1_000));
    const { get, blocks } = await open();
    await get(DATA);
    await rm(folder, { recursive: true });
    await writeFile(folder, "in its place");
    blocks.sweep();
    expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
    expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
    await rm(folder);
    blocks.sweep();
    await get(DATA);
    expect(await blocksKept()).toBe(1);
  });

  test("may hold what cannot be removed", async () => {
    objects.set(DATA, bytes(1_000));
    // As a file is on a disk that has become read-only.
    const stuck = `${"ab".repeat(20)}-0`;
    const longAgo = new Date(Date.now() - 2 * HOUR_MS);
    for (const name of [stuck, "lost+found"]) {
      await mkdir(join(folder, name));
      await utimes(join(folder, name), longAgo, longAgo);
    }
    const { get, blocks } = await open();
    blocks.sweep();
    expect(blocks.has(stuck)).toBe(false);
    expect(await get(DATA, "bytes=0-9")).toEqual(bytes(1_000).subarray(0, 10));
    expect(await blocksKept()).toBe(3);
  });
});
