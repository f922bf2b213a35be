// Where everything lies in Deno KV. Ids are bigint key parts, so that key order is order in time.
//
//   record | note, guild, id                      the records
//   in | note-in, <guild channel id>             ids of a channel's or thread's messages; no value
//   by | note-by, <guild author id>              ids of an author's messages; no value
//   pending | quarantine, guild, kind, id
//   channel | cursor, guild, channel              settings, guild
//   removal, guild, by, id                        scopes being removed
//   run | run-damaged, guild                      run-finished, guild, number
//   lease-owner | lease-heartbeat, guild
//   format                                        the layout's version

import type { KvKey, KvListSelector } from "@deno/kv";
import type { RecordKind, RemovalScope } from "../../ports.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake } from "../../snowflake.ts";

export const formatKey: KvKey = ["format"];

/** Every family of keys whose second part is the guild, but for the lease: it outlives the data, so that its token never repeats. */
export const guildFamilies = [
  "record",
  "note",
  "pending",
  "quarantine",
  "channel",
  "cursor",
  "settings",
  "run",
  "run-damaged",
  "run-finished",
  "removal",
] as const;
type GuildFamily = (typeof guildFamilies)[number] | "lease-owner" | "lease-heartbeat";

/** The two ways to find a kind's records without reading them: `in` a channel, `by` an author. */
export type IndexName = "in" | "by";
export const indexFamilies = ["in", "by", "note-in", "note-by"] as const;
type IndexFamily = (typeof indexFamilies)[number];

const familyOfKind = { message: "record", note: "note" } as const;

export function guildKey(family: GuildFamily, guildId: Snowflake, ...rest: (Snowflake | bigint)[]): KvKey {
  return [family, BigInt(guildId), ...rest.map(BigInt)];
}

export function recordKey(guildId: Snowflake, kind: RecordKind, id: Snowflake): KvKey {
  return [familyOfKind[kind], BigInt(guildId), BigInt(id)];
}

export function markKey(family: "pending" | "quarantine", guildId: Snowflake, kind: RecordKind, id: Snowflake): KvKey {
  return [family, BigInt(guildId), kind, BigInt(id)];
}

export function removalKey(guildId: Snowflake, scope: RemovalScope): KvKey {
  return ["removal", BigInt(guildId), scope.by, scope.by === "guild" ? 0n : BigInt(scope.id)];
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

// The index keys are one part of 24 bytes: the library packs a bigint part in about 5 µs and bytes in a fraction of that, and
// with two such keys a record this is a fifth of the speed of a bulk import. An id is eight digits of base 255, stored as 1 to
// 255: the order is kept, and there is no zero byte, which the library would have to escape, slowly.

export function indexKey(
  index: IndexName,
  kind: RecordKind,
  guildId: Snowflake,
  ownerId: Snowflake,
  id: Snowflake,
): KvKey {
  return [indexFamily(index, kind), packed(BigInt(guildId), BigInt(ownerId), BigInt(id))];
}

export function indexRange(
  index: IndexName,
  kind: RecordKind,
  guildId: Snowflake,
  ownerId: Snowflake,
  range: KeyRange = everything,
): KvListSelector {
  const family = indexFamily(index, kind);
  const at = (id: bigint) => [family, packed(BigInt(guildId), BigInt(ownerId), id)];
  return { start: at(BigInt(range.from)), end: at(BigInt(range.to) + 1n) };
}

/** A whole family's keys of one guild. */
export function indexOfGuild(family: IndexFamily, guildId: Snowflake): KvListSelector {
  return {
    start: [family, packed(BigInt(guildId), 0n, 0n)],
    end: [family, packed(BigInt(guildId) + 1n, 0n, 0n)],
  };
}

export function idOfIndexKey(key: KvKey): Snowflake {
  const bytes = key[1];
  if (!(bytes instanceof Uint8Array) || bytes.length !== 24) throw new Error("not an index key");
  return unpackedId(bytes, 16).toString();
}

function indexFamily(index: IndexName, kind: RecordKind): IndexFamily {
  return kind === "message" ? index : `note-${index}`;
}

const BASE = 255;
const HALF = BASE ** 4;

function packed(...ids: [bigint, bigint, bigint]): Uint8Array {
  const bytes = new Uint8Array(24);
  ids.forEach((id, place) => {
    packHalf(bytes, place * 8, Number(id / BigInt(HALF)));
    packHalf(bytes, place * 8 + 4, Number(id % BigInt(HALF)));
  });
  return bytes;
}

function packHalf(bytes: Uint8Array, start: number, half: number): void {
  let left = half;
  for (let at = start + 3; at >= start; at -= 1) {
    bytes[at] = (left % BASE) + 1;
    left = Math.floor(left / BASE);
  }
}

function unpackedId(bytes: Uint8Array, start: number): bigint {
  let id = 0n;
  for (const byte of bytes.subarray(start, start + 8)) id = id * BigInt(BASE) + BigInt(byte - 1);
  return id;
}
