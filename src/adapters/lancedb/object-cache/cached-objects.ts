// Objects that never change, read through the block cache: each piece of one is asked of the store once, by however many at a time.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { getOrTry } from "../../../maps.ts";
import type { BlockCache } from "./blocks.ts";
import { cutOf } from "./cut.ts";
import type { Upstream } from "./upstream.ts";

/** Blocks of an object that is read whole, besides what is asked for just now. */
const AHEAD_AT_ONCE = 4;

/** Objects whose size is remembered. */
const MOST_KNOWN = 20_000;

export interface ObjectFacts {
  readonly size: number;
  /** Those that LanceDB reads: "etag" and "last-modified". */
  readonly headers: Readonly<Record<string, string>>;
}

/** As it is kept. */
interface CutObject {
  readonly path: string;
  readonly size: number;
  /** With the number of a block, its name. */
  readonly id: string;
  readonly blockBytes: number;
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
  /** Paths of what is being read whole. */
  const ahead = new Set<string>();

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
  function fetchBlocks({ path, size, id, blockBytes }: CutObject, run: readonly number[]): void {
    const from = (run[0] ?? 0) * blockBytes;
    const content = fetch(path, from, Math.min(size, from + run.length * blockBytes));
    for (const [b, block] of run.entries()) {
      const name = nameOf(id, block);
      const piece = content.then((all) => {
        const own = all.subarray(b * blockBytes, (b + 1) * blockBytes);
        blocks.write(name, own);
        return own;
      });
      underWay.set(name, piece);
      piece.catch(() => undefined).finally(() => underWay.delete(name));
    }
  }

  const isHere = (name: string) => underWay.has(name) || blocks.has(name);

  /** LanceDB reads one partition after the other: without this, it would wait for the store each time. */
  function readAhead(object: CutObject): void {
    if (ahead.has(object.path)) return;
    const left = Array.from({ length: Math.ceil(object.size / object.blockBytes) }, (_, block) => block).values();
    async function readOn(): Promise<void> {
      // All of them take from the same list.
      for (const block of left) {
        const name = nameOf(object.id, block);
        if (isHere(name)) continue;
        fetchBlocks(object, [block]);
        await underWay.get(name);
      }
    }
    ahead.add(object.path);
    Promise.all(Array.from({ length: AHEAD_AT_ONCE }, readOn))
      // Whoever needs what did not come asks for it, and hears why.
      .catch(() => undefined)
      .finally(() => ahead.delete(object.path));
  }

  return {
    facts,
    async read(path, start, end) {
      if (end <= start) return [];
      const { size } = await facts(path);
      const { blockBytes, isReadWhole } = cutOf(path, size, blocks.maxBytes);
      const id = createHash("sha1").update(`${path} ${blockBytes}`).digest("hex");
      const object = { path, size, id, blockBytes };
      const first = Math.floor(start / blockBytes);
      const wanted = Array.from({ length: Math.ceil(end / blockBytes) - first }, (_, b) => first + b);
      const missing = wanted.filter((block) => !isHere(nameOf(id, block)));
      for (const run of runsOf(missing)) fetchBlocks(object, run);
      if (isReadWhole && missing.length > 0) readAhead(object);
      const pieces = wanted.map(async (block) => {
        const offset = block * blockBytes;
        const [from, until] = [Math.max(0, start - offset), Math.min(blockBytes, end - offset)];
        const name = nameOf(id, block);
        const here = underWay.has(name) ? undefined : blocks.read(name, from, until);
        if (here !== undefined) return here;
        // Its file may be damaged.
        if (!underWay.has(name)) fetchBlocks(object, [block]);
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
