// Where everything lies in Deno KV. Ids are bigint key parts, so that key order is order in time.
//
//   record | note, guild, id             the records
//   in | note-in, <guild channel id>     what is in a channel or thread; the value is the author
//   note-by, <guild owner id>            the notes of an owner
//   days, <guild author channel day>     on which days an author wrote in a channel, at most
//   pending | quarantine, guild, kind, id
//   removing, guild, kind, id           what a removal's present step has deleted, or is writing anew
//   remover, guild                      written by whoever takes a removal up: every commit of one checks it
//   unconfirmed, guild, serial          records whose vectors are not known to be right yet
//   canary, fingerprint                 a harmless text's vector
//   channel | cursor | reread | complete | out-of-reach, guild, channel
//   deed, guild, serial                 who did what
//   settings | listened-since | generations | run | run-damaged, guild
//   removal, guild, by, id               scopes being removed
//   exclusion, guild, by, id             scopes that are not stored
//   refetch, guild, by, id               those that are stored again, and not fetched yet
//   exclusions, guild                    written whenever one of these changes: every record's commit checks it
//   owner, guild                         which heartbeat a guild is of
//   presence, id                         until when a process is there: its heartbeat
//   spent, month                         tokens and dollars for embeddings, of all guilds
//   deleted, guild                       something was deleted or edited since its files were rewritten
//   erased, guild                        when they were last
//   compacted                            when the archive's own file was
//   format                               the layout's version
//
// An author's messages are found by days, not one by one: they are only needed when the author is removed, and a third key for each
// message would make every import a quarter slower.

import type { KvKey, KvListSelector } from "@deno/kv";
import type { RemovalScope } from "../../ports/archive.ts";
import type { RecordKind } from "../../ports/records.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake } from "../../snowflake.ts";

export const formatKey: KvKey = ["format"];

/**
 * Every family of keys whose second part is the guild, but for the owner and the exclusions, which outlive the data: so that a token never
 * repeats, and nobody who has opted out is stored when the bot comes back.
 */
export const guildFamilies = [
  "record",
  "note",
  "pending",
  "quarantine",
  "removing",
  "remover",
  "unconfirmed",
  "channel",
  "cursor",
  "reread",
  "complete",
  "out-of-reach",
  "deed",
  "refetch",
  "listened-since",
  "settings",
  "generations",
  "run",
  "run-damaged",
  "run-finished",
  "removal",
  "erased",
] as const;
type GuildFamily = (typeof guildFamilies)[number] | "owner" | "exclusions" | "deleted";

/** The families whose second part is packed. */
export const packedFamilies = ["in", "note-in", "note-by", "days"] as const;
type PackedFamily = (typeof packedFamilies)[number];

const familyOfKind = { message: "record", note: "note" } as const;

export function guildKey(family: GuildFamily, guildId: Snowflake, ...rest: (Snowflake | bigint)[]): KvKey {
  return [family, BigInt(guildId), ...rest.map(BigInt)];
}

export const canaryKey = (fingerprint: string): KvKey => ["canary", fingerprint];

export const heartbeatKey = (id: string): KvKey => ["presence", id];

export function recordKey(guildId: Snowflake, kind: RecordKind, id: Snowflake): KvKey {
  return [familyOfKind[kind], BigInt(guildId), BigInt(id)];
}

export function markKey(
  family: "pending" | "quarantine" | "removing",
  guildId: Snowflake,
  kind: RecordKind,
  id: Snowflake,
): KvKey {
  return [family, BigInt(guildId), kind, BigInt(id)];
}

/** One for each kind and id: another bound takes the place of the former. */
export function scopeKey(family: "removal" | "exclusion" | "refetch", guildId: Snowflake, scope: RemovalScope): KvKey {
  return [family, BigInt(guildId), scope.by, "id" in scope ? BigInt(scope.id) : 0n];
}

/** Both ends included. */
export interface KeyRange {
  readonly from: Snowflake;
  readonly to: Snowflake;
}
export const everything: KeyRange = { from: FIRST_SNOWFLAKE, to: LAST_SNOWFLAKE };

export function recordRange(guildId: Snowflake, kind: RecordKind, range: KeyRange): KvListSelector {
  const prefix = [familyOfKind[kind], BigInt(guildId)];
  return { start: [...prefix, BigInt(range.from)], end: [...prefix, BigInt(range.to) + 1n] };
}

export function markRange(family: "quarantine", guildId: Snowflake, kind: RecordKind, range: KeyRange): KvListSelector {
  const prefix = [family, BigInt(guildId), kind];
  return { start: [...prefix, BigInt(range.from)], end: [...prefix, BigInt(range.to) + 1n] };
}

/** The id that ends a record's or a mark's key. */
export function idOf(key: KvKey): Snowflake {
  return String(key.at(-1));
}

// The parts in <> are one part of bytes: the library packs a bigint part in about 5 µs and bytes in a fraction of that, which is a
// fifth of the speed of a bulk import. An id is eight digits of base 255, stored as 1 to 255: the order is kept, and there is no zero
// byte, which the library would have to escape, slowly.

/** Its value is the author, packed; see `packedId`. */
export function channelIndexKey(kind: RecordKind, guildId: Snowflake, channelId: Snowflake, id: Snowflake): KvKey {
  return packedKey(channelFamily[kind], guildId, channelId, id);
}

export function channelIndexRange(
  kind: RecordKind,
  guildId: Snowflake,
  channelId: Snowflake,
  { from, to }: KeyRange = everything,
): KvListSelector {
  const family = channelFamily[kind];
  return {
    start: packedKey(family, guildId, channelId, from),
    end: packedKey(family, guildId, channelId, BigInt(to) + 1n),
  };
}

export function noteOwnerKey(guildId: Snowflake, ownerId: Snowflake, id: Snowflake): KvKey {
  return packedKey("note-by", guildId, ownerId, id);
}

/** @param beforeId only older ones */
export function noteOwnerRange(guildId: Snowflake, ownerId: Snowflake, beforeId?: Snowflake): KvListSelector {
  return {
    start: packedKey("note-by", guildId, ownerId, 0n),
    end: packedKey("note-by", guildId, ownerId, beforeId ?? BigInt(LAST_SNOWFLAKE) + 1n),
  };
}

/** The mark that this author wrote in this channel on the day of this id. */
export function dayKey(guildId: Snowflake, authorId: Snowflake, channelId: Snowflake, id: Snowflake): KvKey {
  return packedKey("days", guildId, authorId, channelId, BigInt(id) / IDS_PER_DAY);
}

/** @param after only marks that come after this one */
export function daysRange(guildId: Snowflake, authorId: Snowflake, after?: KvKey): KvListSelector {
  const [, last] = after ?? [];
  // No key is longer, so this one is just behind it.
  const next = last instanceof Uint8Array ? ["days", Uint8Array.of(...last, 0)] : undefined;
  const end = packedKey("days", guildId, BigInt(authorId) + 1n);
  return { start: next ?? packedKey("days", guildId, authorId), end };
}

/** The channel and the ids that a day's mark stands for. */
export function dayOf(key: KvKey): { readonly channelId: Snowflake; readonly range: KeyRange } {
  const [, , channelId = 0n, day = 0n] = unpacked(key[1]);
  const from = day * IDS_PER_DAY;
  return {
    channelId: channelId.toString(),
    range: { from: from.toString(), to: (from + IDS_PER_DAY - 1n).toString() },
  };
}

/** The id that ends a packed key. */
export function idOfPackedKey(key: KvKey): Snowflake {
  return String(unpacked(key[1]).at(-1));
}

/** A whole packed family's keys of one guild. */
export function packedOfGuild(family: PackedFamily, guildId: Snowflake): KvListSelector {
  return { start: packedKey(family, guildId), end: packedKey(family, BigInt(guildId) + 1n) };
}

export function packedId(id: Snowflake): Uint8Array {
  return packed([id]);
}

export function unpackedId(bytes: unknown): Snowflake {
  return String(unpacked(bytes)[0]);
}

const channelFamily = { message: "in", note: "note-in" } as const;
const IDS_PER_DAY = 86_400_000n << 22n;
const ID_BYTES = 8;
const BASE = 255;
const HALF = BASE ** 4;

function packedKey(family: PackedFamily, ...ids: (Snowflake | bigint)[]): KvKey {
  return [family, packed(ids)];
}

function packed(ids: readonly (Snowflake | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * ID_BYTES);
  for (const [place, id] of ids.entries()) {
    const whole = BigInt(id);
    packHalf(bytes, place * ID_BYTES, Number(whole / BigInt(HALF)));
    packHalf(bytes, place * ID_BYTES + ID_BYTES / 2, Number(whole % BigInt(HALF)));
  }
  return bytes;
}

function packHalf(bytes: Uint8Array, start: number, half: number): void {
  let left = half;
  for (let at = start + ID_BYTES / 2 - 1; at >= start; at -= 1) {
    bytes[at] = (left % BASE) + 1;
    left = Math.floor(left / BASE);
  }
}

function unpacked(bytes: unknown): bigint[] {
  if (!(bytes instanceof Uint8Array)) throw new Error("not a packed key");
  const ids: bigint[] = [];
  for (let start = 0; start < bytes.length; start += ID_BYTES) {
    let id = 0n;
    for (const byte of bytes.subarray(start, start + ID_BYTES)) id = id * BigInt(BASE) + BigInt(byte - 1);
    ids.push(id);
  }
  return ids;
}
