// Everything that one record's commit writes: its value, the keys by which it is found, its pending mark.

import type { KvMutation } from "@deno/kv";
import { getOrMake } from "../../maps.ts";
import type { ArchivedRecord } from "../../ports/records.ts";
import type { Snowflake } from "../../snowflake.ts";
import { type RecordValue, valueToRecord } from "./codec.ts";
import { channelIndexKey, dayKey, guildKey, markKey, noteOwnerKey, packedId, recordKey } from "./keys.ts";

/** For keys that say everything themselves. */
export const NOTHING = new Uint8Array(0);

/** To be in the commit of each deletion and edit (see erasure.ts). The same object each time, so that a commit writes it once. */
export function deletionMark(): (guildId: Snowflake) => KvMutation {
  const marks = new Map<Snowflake, KvMutation>();
  return (guildId) =>
    getOrMake(marks, guildId, () => ({ type: "set", key: guildKey("deleted", guildId), value: NOTHING }));
}

/** The mutations for one record after another, of one `save`. `before` is the stored value, undefined when there is none. */
export function createRecordWrites(
  guildId: Snowflake,
  pending: boolean,
): (record: ArchivedRecord, value: RecordValue, before: unknown) => KvMutation[] {
  const marked = deletionMark();
  // Records of the same day share one mutation object, so that a commit writes it once.
  const days = new Map<string, KvMutation>();
  function dayMark({ id, authorId, channelId }: ArchivedRecord): KvMutation {
    const key = dayKey(guildId, authorId, channelId, id);
    return getOrMake(days, String(key[1]), () => ({ type: "set", key, value: NOTHING }));
  }

  return (record, value, before) => {
    const { kind, id, channelId, authorId } = record;
    const writes = before === undefined ? [] : [marked(guildId), ...outdatedKeys(guildId, record, before)];
    writes.push(
      { type: "set", key: recordKey(guildId, kind, id), value },
      { type: "set", key: channelIndexKey(kind, guildId, channelId, id), value: packedId(authorId) },
      kind === "message" ? dayMark(record) : { type: "set", key: noteOwnerKey(guildId, authorId, id), value: NOTHING },
    );
    if (pending) writes.push({ type: "set", key: markKey("pending", guildId, kind, id), value: NOTHING });
    return writes;
  };
}

/** A record that is under another channel or owner now is not found under the old one. */
function outdatedKeys(guildId: Snowflake, now: ArchivedRecord, before: unknown): KvMutation[] {
  const read = valueToRecord(now.kind, now.id, before);
  if (!("record" in read)) return [];
  const { kind, id, channelId, authorId } = read.record;
  const deletions: KvMutation[] = [];
  if (channelId !== now.channelId) {
    deletions.push({ type: "delete", key: channelIndexKey(kind, guildId, channelId, id) });
  }
  if (kind === "note" && authorId !== now.authorId) {
    deletions.push({ type: "delete", key: noteOwnerKey(guildId, authorId, id) });
  }
  return deletions;
}
