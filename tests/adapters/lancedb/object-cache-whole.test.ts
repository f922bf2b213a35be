// What the cache before an object store does with the vectors of an index, of which every search reads all; and how its many requests
// for one object are signed.

import { readdir } from "node:fs/promises";
import { createServer, get as httpGet, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  BLOCK_BYTES,
  cutOf,
  ROWS_BLOCK_BYTES,
  WHOLE_BLOCK_BYTES,
} from "../../../src/adapters/lancedb/object-cache/cut.ts";
import { temporaryFolder, until } from "../../support/backscroll.ts";
import { openCachingServer } from "../../support/caching-server.ts";
import { listenForTest } from "../../support/listen.ts";

const VECTORS = "/bucket/index/table.lance/_indices/0a1b/auxiliary.idx";
const DATA = "/bucket/index/table.lance/data/abc.lance";
const BLOCKS = 12;
const content = Buffer.alloc(BLOCKS * WHOLE_BLOCK_BYTES - 1_000);
for (let at = 0; at < content.length; at += 1) content[at] = (at * 31 + (at >> 8) * 7) % 251;

let folder: string;
let endpoint: string;
/** The requests for content that the store was sent. */
let asked: { range: string; authorization: string; date: string }[];
/** Answers instead of the store, while it is set. */
let instead: ((response: ServerResponse) => void) | undefined;

beforeEach(async () => {
  folder = await temporaryFolder();
  [asked, instead] = [[], undefined];
  const server = createServer(({ method, headers }, response) => {
    if (method === "HEAD") return response.writeHead(200, { "content-length": content.length }).end();
    const { range = "", authorization = "", "x-amz-date": date } = headers;
    asked.push({ range, authorization, date: String(date) });
    if (instead !== undefined) return instead(response);
    const [, from = "0", to = "0"] = /bytes=(\d+)-(\d+)/.exec(range) ?? [];
    const part = content.subarray(Number(from), Number(to) + 1);
    return response.writeHead(206, { "content-length": part.length }).end(part);
  });
  endpoint = await listenForTest(server);
});

async function open(maxBytes?: number) {
  const { address, get } = await openCachingServer(folder, endpoint, maxBytes);
  return { address, get: (path: string, start: number, end: number) => get(path, `bytes=${start}-${end - 1}`) };
}
const kept = async () => (await readdir(folder)).filter((name) => !name.endsWith(".new")).length;
const expectPart = (part: Buffer, start: number, end: number) =>
  expect(part.equals(content.subarray(start, end)), `${start} to ${end}`).toBe(true);

describe("the vectors of an index", () => {
  test("come whole once any of them are read, each once, from where reading began", async () => {
    const { get } = await open();
    const start = 5 * WHOLE_BLOCK_BYTES + 10;
    expectPart(await get(VECTORS, start, start + 100), start, start + 100);
    await until("all are here", async () => (await kept()) === BLOCKS);
    const first = 5 * WHOLE_BLOCK_BYTES;
    expect(asked[0]?.range).toBe(`bytes=${first}-${first + WHOLE_BLOCK_BYTES - 1}`);
    expect(new Set(asked.map(({ range }) => range)).size).toBe(BLOCKS);
    expectPart(await get(VECTORS, 0, content.length), 0, content.length);
    expect(asked).toHaveLength(BLOCKS);
  });

  test("of which some cannot be had are asked for again when they are read", async () => {
    const { get } = await open();
    instead = (response) => response.destroy();
    await expect(get(VECTORS, 0, 10)).rejects.toThrow();
    await until("nothing more is asked", async () => {
      const before = asked.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return asked.length === before;
    });
    expect(asked.length).toBeLessThan(BLOCKS);
    instead = undefined;
    expectPart(await get(VECTORS, 0, 10), 0, 10);
    await until("all are here", async () => (await kept()) === BLOCKS);
  });

  test("are read as they are asked for where they would fill all that may be kept", async () => {
    const { get } = await open(content.length * 1.2);
    expectPart(await get(VECTORS, 10, 20), 10, 20);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked.map(({ range }) => range)).toEqual([`bytes=0-${BLOCK_BYTES - 1}`]);
  });
});

test("rows are fetched in small blocks, words in larger ones, vectors in the largest", () => {
  const words = VECTORS.replace("auxiliary.idx", "part_0_invert.lance");
  const blockBytes = [DATA, words, VECTORS].map((path) => cutOf(path, 1e8, 1e9).blockBytes);
  expect(blockBytes).toEqual([ROWS_BLOCK_BYTES, BLOCK_BYTES, WHOLE_BLOCK_BYTES]);
});

describe("a signature", () => {
  afterEach(() => vi.useRealTimers());

  test("serves all ranges of an object for a minute", async () => {
    const { get } = await open();
    const now = Date.now();
    for (const [block, seconds] of [0, 59, 61].entries()) {
      vi.useFakeTimers({ toFake: ["Date"], now: now + seconds * 1_000 });
      await get(DATA, block * ROWS_BLOCK_BYTES, block * ROWS_BLOCK_BYTES + 1);
    }
    const [first, second, third] = asked;
    expect(second?.authorization).toBe(first?.authorization);
    expect(third?.authorization).not.toBe(first?.authorization);
    expect(third?.date).not.toBe(first?.date);
    await get(`${DATA}2`, 0, 1);
    expect(asked.at(-1)?.authorization).not.toBe(third?.authorization);
  });
});

test("whoever goes away in the middle of an answer leaves the others theirs", async () => {
  const { address, get } = await open();
  for (let attempts = 0; attempts < 5; attempts += 1) {
    await new Promise<void>((resolve) => {
      const request = httpGet(`${address}${VECTORS}`, (answer) => {
        answer.once("data", () => {
          request.destroy();
          resolve();
        });
      });
      request.on("error", () => resolve());
    });
  }
  expectPart(await get(VECTORS, 0, content.length), 0, content.length);
});
