// How far channels are complete with messages that are saved in order: what a message's own commit writes beside it.

import type { KvMutation } from "@deno/kv";
import type { ArchivedRecord } from "../../ports/records.ts";
import { compareSnowflakes, FIRST_SNOWFLAKE, type Snowflake } from "../../snowflake.ts";
import { idSchema } from "./codec.ts";
import { guildKey, idOf } from "./keys.ts";
import type { Store } from "./store.ts";

/** @returns for the newest of these messages in each channel that is not complete up to it yet: what makes it so */
export async function completions(
  store: Store,
  guildId: Snowflake,
  records: readonly ArchivedRecord[],
): Promise<Map<Snowflake, KvMutation>> {
  const newest = new Map<Snowflake, Snowflake>();
  for (const { channelId, id } of records) {
    if (compareSnowflakes(id, newest.get(channelId) ?? FIRST_SNOWFLAKE) > 0) newest.set(channelId, id);
  }
  const stored = await store.getMany([...newest.keys()].map((channelId) => guildKey("complete", guildId, channelId)));
  const moves = new Map<Snowflake, KvMutation>();
  for (const { key, value } of stored) {
    const id = newest.get(idOf(key));
    const before = idSchema.safeParse(value).data;
    if (id === undefined || (before !== undefined && compareSnowflakes(before, id) >= 0)) continue;
    moves.set(id, { type: "set", key, value: id });
  }
  return moves;
}
