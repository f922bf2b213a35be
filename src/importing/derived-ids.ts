// Ids for what an export names but does not number: always the same for the same name or message, so that a second import of the
// same file changes nothing.

import { createHash } from "node:crypto";
import { type Snowflake, snowflakeAt, snowflakeTime } from "../snowflake.ts";

const NAME_BITS = 58n;
const RANDOM_BITS = 22n;
const DISCORD_EPOCH_MS = 1_420_070_400_000;
/** Of the hash kept in ids of messages from before Discord. */
const EARLY_BITS = 14n;
/** How far an id's own time may be from the message's to be taken for a snowflake. Milliseconds. */
const CLOCK_TOLERANCE_MS = 60_000;

/** An id for a channel, thread, author or guild that is known by name only. */
export function derivedId(...parts: readonly string[]): Snowflake {
  return hashed(parts, NAME_BITS).toString();
}

/** True when `id` is Discord's own: its time is the message's. */
export function isGenuineId(id: string, timeMs: number): boolean {
  return /^\d{15,19}$/.test(id) && Math.abs(snowflakeTime(id) - timeMs) <= CLOCK_TOLERANCE_MS;
}

/**
 * Gives the messages of one file ids in order of time. Messages of the same moment follow one another by a millisecond, in the
 * order they come; the low bits are a hash, so that two files do not collide. Discord's ids begin with 2015: what is older lies, in
 * its order, in the first two months of that year.
 */
export function createMessageIds(): {
  /** @param name what the file calls the message, with its channel */
  assign(name: string, timeMs: number): Snowflake;
  /** The id that was assigned to a name, if it was. */
  find(name: string): Snowflake | undefined;
} {
  const sameMoment = new Map<number, number>();
  const assigned = new Map<string, Snowflake>();
  return {
    assign(name, timeMs) {
      const before = sameMoment.get(timeMs) ?? 0;
      sameMoment.set(timeMs, before + 1);
      const at = timeMs + before;
      const id =
        at < DISCORD_EPOCH_MS
          ? ((BigInt(at) << EARLY_BITS) | hashed([name], EARLY_BITS)).toString()
          : (BigInt(snowflakeAt(at)) | hashed([name], RANDOM_BITS)).toString();
      assigned.set(name, id);
      return id;
    },
    find: (name) => assigned.get(name),
  };
}

function hashed(parts: readonly string[], bits: bigint): bigint {
  const digest = createHash("sha256").update(parts.join("\u0000")).digest();
  return digest.readBigUInt64BE() >> (64n - bits);
}
