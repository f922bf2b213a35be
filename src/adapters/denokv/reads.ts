// How entries are read: through the library, or, of a local file, from its native part. What lies between the two takes 12 µs an entry
// of the main thread: three quarters of what a walk over the archive costs.

import {
  type Kv,
  type KvEntry,
  type KvEntryMaybe,
  type KvKey,
  type KvListSelector,
  KvU64,
  type NapiInterface,
} from "@deno/kv";
import { decodeEntries, encodeRead, encodings, type ReadRange, type StoredEntry } from "./datapath.ts";
import { packKey, unpackKey } from "./packed-keys.ts";

export interface Reads {
  /** Of up to 10 keys: one consistent read, in their order. */
  getMany(keys: readonly KvKey[]): Promise<KvEntryMaybe<unknown>[]>;
  /** @param limit may be infinite */
  list(selector: KvListSelector, limit: number, newestFirst: boolean): Promise<KvEntry<unknown>[]>;
}

/** The most that the service gives. They are decoded in one go, while nothing else has its turn: a millisecond, natively. */
const ENTRIES_PER_CALL = 500;

export function readingThroughLibrary(kv: Kv): Reads {
  return {
    getMany: (keys) => kv.getMany<unknown[]>([...keys]),
    async list(selector, limit, newestFirst) {
      const entries: KvEntry<unknown>[] = [];
      const options = { reverse: newestFirst, batchSize: Math.min(limit, ENTRIES_PER_CALL) };
      const iterator = kv.list(selector, Number.isFinite(limit) ? { ...options, limit } : options);
      for await (const entry of iterator) entries.push(entry);
      return entries;
    },
  };
}

/** What the library keeps for a local file; it is not in its types. */
interface Native {
  readonly napi: NapiInterface;
  readonly dbId: number;
}

/** @returns undefined where there is no native part, or another version of the library has it elsewhere */
export function readingNatively(kv: Kv, decodeV8: (bytes: Uint8Array) => unknown): Reads | undefined {
  const { napi, dbId } = kv as Kv & Partial<Native>;
  if (typeof napi?.snapshotRead !== "function" || typeof dbId !== "number") return undefined;

  const read = async (ranges: readonly ReadRange[]) => {
    const { buffer, byteOffset, byteLength } = await napi.snapshotRead(dbId, encodeRead(ranges), false);
    return decodeEntries(Buffer.from(buffer, byteOffset, byteLength));
  };

  function decode({ value, encoding }: StoredEntry): unknown {
    if (encoding === encodings.v8) return decodeV8(value);
    if (encoding === encodings.bytes) return value;
    if (encoding === encodings.u64) return new KvU64(value.readBigUInt64LE());
    throw new Error(`a value of the store has an unknown encoding: ${encoding}`);
  }

  const toEntry = (key: KvKey, stored: StoredEntry) => ({
    key,
    value: decode(stored),
    versionstamp: stored.versionstamp.toString("hex"),
  });

  return {
    async getMany(keys) {
      const found = await read(
        keys.map((key) => {
          const start = packKey(key);
          return { start, end: after(start), limit: 1, reverse: false };
        }),
      );
      return keys.map((key, place) => {
        const stored = found[place]?.[0];
        return stored === undefined ? { key, value: null, versionstamp: null } : toEntry(key, stored);
      });
    },

    async list(selector, limit, newestFirst) {
      const entries: KvEntry<unknown>[] = [];
      let { start, end } = endsOf(selector);
      while (entries.length < limit) {
        const wanted = Math.min(limit - entries.length, ENTRIES_PER_CALL);
        const [found = []] = await read([{ start, end, limit: wanted, reverse: newestFirst }]);
        for (const stored of found) entries.push(toEntry(unpackKey(stored.key), stored));
        const last = found.at(-1);
        if (last === undefined || found.length < wanted) break;
        if (newestFirst) end = last.key;
        else start = after(last.key);
      }
      return entries;
    },
  };
}

/** The start is included, the end is not; nor is a prefix itself. */
function endsOf(selector: KvListSelector): { start: Uint8Array; end: Uint8Array } {
  return {
    start: "start" in selector ? packKey(selector.start) : after(packKey(selector.prefix)),
    end: "end" in selector ? packKey(selector.end) : Buffer.concat([packKey(selector.prefix), BEYOND]),
  };
}

/** Greater than any part of a key. */
const BEYOND = Uint8Array.of(0xff);

/** The least that is greater. */
const after = (key: Uint8Array) => Buffer.concat([key, Uint8Array.of(0)]);
