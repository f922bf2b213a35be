// Copies a whole archive from one Deno KV to another, byte for byte and whatever it holds, by comparing the two in the order of their
// keys: cut off anywhere, the next attempt does what is left. An unfinished copy cannot be opened as an archive.

import { createHash } from "node:crypto";
import type { KvEntry, KvKey, KvKeyPart, KvMutation } from "@deno/kv";
import { UserError } from "../../errors.ts";
import { decodeV8, encodeV8 } from "./codec.ts";
import { type ArchiveLocation, connect } from "./connect.ts";
import { mapOpenErrors } from "./errors.ts";
import { readFormat, writeFormat } from "./open.ts";
import type { Store } from "./store.ts";

/** Which process works on which guild has no meaning in another place; the format tells whether the copy is whole. */
const NOT_COPIED = ["format", "fence", "owner", "presence"];
const ENTRIES_PER_PAGE = 1_000;

export interface CopiedArchive {
  readonly entries: number;
  /** Of every key and value. */
  readonly hash: string;
}

export interface CopyOptions {
  /** For telling whether somebody works on the archive. Milliseconds since 1970. */
  readonly now: number;
  /** @param entries looked at so far */
  onProgress(step: "copied" | "compared", entries: number): void;
}

/** @throws UserError when it cannot be done, saying why; TransientError */
export async function copyArchive(
  from: ArchiveLocation,
  to: ArchiveLocation,
  { now, onProgress }: CopyOptions,
): Promise<CopiedArchive> {
  const source = await mapOpenErrors(from.location, () => connect(from, copyCodec));
  try {
    await requireIdle(source, now);
    const target = await mapOpenErrors(to.location, () => connect(to, copyCodec));
    try {
      const format = await readFormat(source, decoded);
      if (format === undefined || "copyOf" in format) throw new UserError(`There is no archive at ${from.location}.`);
      await beginOrGoOn(target, from.location, to.location, now);
      await target.commitGroups(differences(source, target, (entries) => onProgress("copied", entries)));
      const original = await summary(source, (entries) => onProgress("compared", entries));
      const copy = await summary(target, () => {});
      if (copy.hash !== original.hash) {
        throw new UserError(
          `The archive changed while it was copied: it has ${original.entries} entries, the copy ${copy.entries}. Stop whatever works on it and run this again; it goes on where it was.`,
        );
      }
      await writeFormat(target, format);
      return copy;
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}

async function requireIdle(source: Store, now: number): Promise<void> {
  for (const { value } of await source.list({ prefix: ["presence"] })) {
    const { expiresAt = 0 } = decoded(value) as { readonly expiresAt?: number };
    if (expiresAt > now) {
      throw new UserError("A bot works on this archive. Stop it, wait 15 seconds, and try again. Nothing was changed.");
    }
  }
}

async function beginOrGoOn(target: Store, source: string, location: string, now: number): Promise<void> {
  const format = await readFormat(target, decoded);
  const isCopy = format !== undefined && "copyOf" in format;
  if (isCopy && format.copyOf === source) return;
  await requireIdle(target, now);
  // A bot that was only tried there has left nothing that would be copied.
  const isEmpty = (await entries(target).next()).done === true;
  if (isCopy || !isEmpty) {
    throw new UserError(`${location} holds something already. Name an empty one. Nothing was changed.`);
  }
  await writeFormat(target, { copyOf: source });
}

/** What makes the target like the source, entry by entry. */
async function* differences(
  source: Store,
  target: Store,
  onProgress: (entries: number) => void,
): AsyncGenerator<readonly KvMutation[]> {
  const present = entries(target);
  let there = await present.next();
  let seen = 0;
  for await (const { key, value } of entries(source)) {
    while (!there.done && compareKeys(there.value.key, key) < 0) {
      yield [{ type: "delete", key: there.value.key }];
      there = await present.next();
    }
    const isThere = !there.done && compareKeys(there.value.key, key) === 0;
    if (!isThere || bytesOf(there.value.value) !== bytesOf(value)) yield [{ type: "set", key, value }];
    if (isThere) there = await present.next();
    seen += 1;
    if (seen % ENTRIES_PER_PAGE === 0) onProgress(seen);
  }
  for (; !there.done; there = await present.next()) yield [{ type: "delete", key: there.value.key }];
  onProgress(seen);
}

async function summary(store: Store, onProgress: (entries: number) => void): Promise<CopiedArchive> {
  const hash = createHash("sha256");
  let count = 0;
  for await (const { key, value } of entries(store)) {
    hash.update(`${key.map(partText).join("/")}=${bytesOf(value)}\n`);
    count += 1;
    if (count % ENTRIES_PER_PAGE === 0) onProgress(count);
  }
  return { entries: count, hash: hash.digest("hex") };
}

/** The first part of every key is a text. */
const EVERYTHING = { start: [""], end: [true] };

/** In the order of their keys. */
async function* entries(store: Store): AsyncGenerator<KvEntry<unknown>> {
  let start: KvKey = EVERYTHING.start;
  for (;;) {
    const page = await store.list({ ...EVERYTHING, start }, { limit: ENTRIES_PER_PAGE });
    for (const entry of page) if (!NOT_COPIED.includes(String(entry.key[0]))) yield entry;
    const last = page.at(-1);
    if (last === undefined || page.length < ENTRIES_PER_PAGE) return;
    // The first key there can be after it.
    start = [...last.key, new Uint8Array(0)];
  }
}

// ---------------------------------------------------------------- keys and values as they are

/** A value's bytes as they are stored. */
class Raw {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

const copyCodec = {
  encodeV8: (value: unknown) => (value instanceof Raw ? value.bytes : encodeV8(value)),
  decodeV8: (bytes: Uint8Array) => new Raw(bytes),
};

const decoded = (value: unknown) => (value instanceof Raw ? decodeV8(value.bytes) : value);

/** Equal for equal values only. */
function bytesOf(value: unknown): string {
  if (value instanceof Raw) return `v8:${Buffer.from(value.bytes).toString("base64")}`;
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString("base64")}`;
  throw new Error(`a kind of value that an archive does not hold: ${typeof value}`);
}

/** As Deno KV orders them: bytes, texts, large numbers, numbers, booleans. */
function compareKeys(one: KvKey, other: KvKey): number {
  for (const [place, part] of one.entries()) {
    const counterpart = other[place];
    if (counterpart === undefined) return 1;
    const order = compareParts(part, counterpart);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

const KINDS = ["object", "string", "bigint", "number", "boolean"];

function compareParts(one: KvKeyPart, other: KvKeyPart): number {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other);
  if (typeof one === "string" && typeof other === "string") return Buffer.compare(Buffer.from(one), Buffer.from(other));
  if (typeof one !== typeof other) return KINDS.indexOf(typeof one) - KINDS.indexOf(typeof other);
  return one < other ? -1 : one > other ? 1 : 0;
}

function partText(part: KvKeyPart): string {
  return part instanceof Uint8Array ? `x${Buffer.from(part).toString("hex")}` : `${typeof part}:${part}`;
}
