// Objects that never change, read through the block cache: each piece of one is asked of the store once, by however many at a time.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { getOrTry } from "../../../maps.ts";
import { BLOCK_BYTES, type BlockCache } from "./blocks.ts";
import type { Upstream } from "./upstream.ts";

/** Objects whose size is remembered. */
const MOST_KNOWN = 20_000;

export interface ObjectFacts {
  readonly size: number;
  /** Those that LanceDB reads: "etag" and "last-modified". */
  readonly headers: Readonly<Record<string, string>>;
}

export interface CachedObjects {
  /** @throws Refused, Error */
  facts(path: string): Promise<ObjectFacts>;
  /** @param end exclusive, at most the object's size @returns pieces that follow on from each other @throws Refused, Error */
  read(path: string, start: number, end: number): Promise<readonly Buffer[]>;
}

/** The store's own answer, where it is not what was asked for. */
export class Refused extends Error {
  readonly answer: IncomingMessage;
  constructor(answer: IncomingMessage) {
    super(`the object store answers with status ${answer.statusCode}`);
    this.answer = answer;
  }
}

export function createCachedObjects(upstream: Upstream, blocks: BlockCache): CachedObjects {
  const known = new Map<string, Promise<ObjectFacts>>();
  const underWay = new Map<string, Promise<Buffer>>();

  async function askFacts(path: string): Promise<ObjectFacts> {
    const answer = await upstream.read("HEAD", path);
    if (answer.statusCode !== 200) {
      // Of what would follow a GET: whoever waits for it waits in vain.
      answer.headers["content-length"] = "0";
      throw new Refused(answer);
    }
    answer.resume();
    const { etag, "last-modified": modified, "content-length": length } = answer.headers;
    return { size: Number(length), headers: { ...(etag && { etag }), ...(modified && { "last-modified": modified }) } };
  }

  function facts(path: string): Promise<ObjectFacts> {
    const asked = getOrTry(known, path, () => askFacts(path));
    const [oldest] = known.keys();
    if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
    return asked;
  }

  async function fetch(path: string, from: number, until: number): Promise<Buffer> {
    const answer = await upstream.read("GET", path, `bytes=${from}-${until - 1}`);
    if (answer.statusCode !== 206 && answer.statusCode !== 200) throw new Refused(answer);
    return await receive(answer, until - from);
  }

  /** Neighbouring blocks, in one request. */
  function fetchBlocks(path: string, object: string, run: readonly number[], size: number): void {
    const from = (run[0] ?? 0) * BLOCK_BYTES;
    const content = fetch(path, from, Math.min(size, from + run.length * BLOCK_BYTES));
    for (const [b, block] of run.entries()) {
      const name = nameOf(object, block);
      const piece = content.then((all) => {
        const own = all.subarray(b * BLOCK_BYTES, (b + 1) * BLOCK_BYTES);
        blocks.write(name, own);
        return own;
      });
      underWay.set(name, piece);
      piece.catch(() => undefined).finally(() => underWay.delete(name));
    }
  }

  return {
    facts,
    async read(path, start, end) {
      if (end <= start) return [];
      const { size } = await facts(path);
      const object = createHash("sha1").update(path).digest("hex");
      const first = Math.floor(start / BLOCK_BYTES);
      const wanted = Array.from({ length: Math.ceil(end / BLOCK_BYTES) - first }, (_, b) => first + b);
      const missing = wanted.filter(
        (block) => !underWay.has(nameOf(object, block)) && !blocks.has(nameOf(object, block)),
      );
      for (const run of runsOf(missing)) fetchBlocks(path, object, run, size);
      const pieces = wanted.map(async (block) => {
        const offset = block * BLOCK_BYTES;
        const [from, until] = [Math.max(0, start - offset), Math.min(BLOCK_BYTES, end - offset)];
        const name = nameOf(object, block);
        const here = underWay.has(name) ? undefined : blocks.read(name, from, until);
        if (here !== undefined) return here;
        // Its file may be damaged.
        if (!underWay.has(name)) fetchBlocks(path, object, [block], size);
        return (await underWay.get(name))?.subarray(from, until) ?? Buffer.alloc(0);
      });
      return await Promise.all(pieces);
    },
  };
}

/** Into memory that is taken at once: put together piece by piece, as `buffer` does it, takes several times as long. */
async function receive(answer: IncomingMessage, length: number): Promise<Buffer> {
  const content = Buffer.allocUnsafeSlow(length);
  let came = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (came + chunk.length <= length) content.set(chunk, came);
    came += chunk.length;
  }
  if (came !== length) throw new Error(`${came} bytes came of ${length}`);
  return content;
}

const nameOf = (object: string, block: number) => `${object}-${block}`;

/** Ascending numbers, those that follow on from each other together. */
function runsOf(numbers: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1) === number - 1) run.push(number);
    else runs.push([number]);
  }
  return runs;
}
