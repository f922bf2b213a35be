// The messages of a channel or thread in their order: what lies before and after others.

import type { Archive } from "../../ports/archive.ts";
import type { StoredRecord } from "../../ports/records.ts";
import { slices } from "../../slices.ts";
import {
  compareSnowflakes,
  FIRST_SNOWFLAKE,
  LAST_SNOWFLAKE,
  type Snowflake,
  snowflakeAfter,
  snowflakeBefore,
} from "../../snowflake.ts";
import { channelIndexRange, everything, idOfPackedKey, type KeyRange } from "./keys.ts";
import type { Store } from "./store.ts";

/** More ids than this are looked for with one list over many of them, ... */
const IDS_WORTH_A_LIST = 10;
/** ... of so many keys for each: messages asked about lie close together, or not at all. */
const KEYS_PER_ID = 4;
/** Lists of one key each. */
const PARALLEL_LISTS = 8;

export function createChannelOrder(
  store: Store,
  get: (guildId: Snowflake, ids: readonly Snowflake[]) => Promise<Map<Snowflake, StoredRecord>>,
): Pick<Archive, "neighbours" | "previous" | "idsInChannel"> {
  async function list(
    guildId: Snowflake,
    channelId: Snowflake,
    range: KeyRange,
    options: { readonly limit?: number; readonly newestFirst: boolean },
  ): Promise<Snowflake[]> {
    const entries = await store.list(channelIndexRange("message", guildId, channelId, range), options);
    return entries.map(({ key }) => idOfPackedKey(key));
  }

  async function idsBefore(guildId: Snowflake, channelId: Snowflake, id: Snowflake, limit: number) {
    if (id === FIRST_SNOWFLAKE) return [];
    const range = { from: FIRST_SNOWFLAKE, to: snowflakeBefore(id) };
    return await list(guildId, channelId, range, { limit, newestFirst: true });
  }

  /** For each id the one before it, as long as it has one. */
  async function idsJustBefore(guildId: Snowflake, channelId: Snowflake, ids: readonly Snowflake[]) {
    const found = new Map<Snowflake, Snowflake>();
    let unseen = [...new Set(ids)].sort((one, other) => compareSnowflakes(other, one));
    while (unseen.length > IDS_WORTH_A_LIST) {
      const [newest = LAST_SNOWFLAKE] = unseen;
      const limit = unseen.length * KEYS_PER_ID;
      const before = await idsBefore(guildId, channelId, newest, limit);
      const looked = unseen.length;
      unseen = unseen.slice(pairUp(unseen, before, found));
      if (before.length < limit) return found;
      // They lie so far apart that most of what was read is of no use.
      if (looked - unseen.length <= IDS_WORTH_A_LIST) break;
    }
    for (const some of slices(unseen, PARALLEL_LISTS)) {
      const before = await Promise.all(some.map((id) => idsBefore(guildId, channelId, id, 1)));
      for (const [place, id] of some.entries()) {
        const [previous] = before[place] ?? [];
        if (previous !== undefined) found.set(id, previous);
      }
    }
    return found;
  }

  return {
    async neighbours(guildId, channelId, id, direction, limit) {
      if (direction === "after" && id === LAST_SNOWFLAKE) return [];
      const after = { from: snowflakeAfter(id), to: everything.to };
      const ids =
        direction === "before"
          ? await idsBefore(guildId, channelId, id, limit)
          : await list(guildId, channelId, after, { limit, newestFirst: false });
      const found = await get(guildId, ids);
      return ids.flatMap((each) => found.get(each) ?? []);
    },

    async previous(guildId, channelId, ids) {
      const before = await idsJustBefore(guildId, channelId, ids);
      const records = await get(guildId, [...new Set(before.values())]);
      const found = new Map<Snowflake, StoredRecord>();
      for (const [id, previous] of before) {
        const record = records.get(previous);
        if (record !== undefined) found.set(id, record);
      }
      return found;
    },

    async idsInChannel(guildId, channelId, { newestId, oldestId }) {
      if (compareSnowflakes(newestId, oldestId) < 0) return [];
      return await list(guildId, channelId, { from: oldestId, to: newestId }, { newestFirst: true });
    },
  };
}

/**
 * Both lists are newest first.
 * @returns how many of the ids have found theirs
 */
function pairUp(ids: readonly Snowflake[], before: readonly Snowflake[], found: Map<Snowflake, Snowflake>): number {
  let at = 0;
  for (const [place, id] of ids.entries()) {
    while (at < before.length && compareSnowflakes(before[at] ?? id, id) >= 0) at += 1;
    const previous = before[at];
    if (previous === undefined) return place;
    found.set(id, previous);
  }
  return ids.length;
}
