// What of the archive is an author's: their messages, found by the days on which they wrote; their notes; and what others have saved of
// their messages as notes.

import type { AuthoredRecords } from "../../ports/archive.ts";
import type { ArchivedRecord } from "../../ports/records.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake, snowflakeAfter } from "../../snowflake.ts";
import { valueToRecord } from "./codec.ts";
import {
  channelIndexRange,
  dayOf,
  daysRange,
  idOf,
  idOfPackedKey,
  noteOwnerRange,
  recordKey,
  recordRange,
  unpackedId,
} from "./keys.ts";
import type { Store } from "./store.ts";

const KEYS_PER_ROUND = 500;

/** A stored record as a walk meets it; one that is damaged has only its id. */
export interface Found {
  readonly id: Snowflake;
  readonly record: ArchivedRecord | undefined;
}

export function createAuthored(store: Store) {
  /** What was written by an author in a channel on one day, oldest first. */
  async function idsOfDay(guildId: Snowflake, authorId: Snowflake, { channelId, range }: ReturnType<typeof dayOf>) {
    const written = await store.list(channelIndexRange("message", guildId, channelId, range));
    return written.filter(({ value }) => unpackedId(value) === authorId).map(({ key }) => idOfPackedKey(key));
  }

  /** Days on which an author has written, page by page. What is deleted of a page meanwhile changes nothing for the next. */
  async function* days(guildId: Snowflake, authorId: Snowflake) {
    for (let range = daysRange(guildId, authorId); ; ) {
      const page = await store.list(range, { limit: KEYS_PER_ROUND });
      yield page;
      const last = page.at(-1);
      if (page.length < KEYS_PER_ROUND || last === undefined) return;
      range = daysRange(guildId, authorId, last.key);
    }
  }

  /** All records of a kind up to an id, page by page, oldest first. */
  async function* walk(
    guildId: Snowflake,
    kind: ArchivedRecord["kind"],
    limit: number,
    to: Snowflake = LAST_SNOWFLAKE,
  ): AsyncGenerator<readonly Found[]> {
    for (let from = FIRST_SNOWFLAKE; ; ) {
      const entries = await store.list(recordRange(guildId, kind, { from, to }), { limit });
      yield entries.map(({ key, value }): Found => {
        const read = valueToRecord(kind, idOf(key), value);
        return { id: idOf(key), record: "record" in read ? read.record : undefined };
      });
      const last = entries.at(-1);
      if (entries.length < limit || last === undefined || idOf(last.key) === to) return;
      from = snowflakeAfter(idOf(last.key));
    }
  }

  /** Which notes were saved from an author's messages; earlier versions did not store whose these were. */
  async function savedFrom(
    guildId: Snowflake,
    found: readonly Found[],
    isTheirs: (authorId: Snowflake, messageId: Snowflake) => boolean,
  ): Promise<readonly Snowflake[]> {
    const notes = found.flatMap(({ record }) => record ?? []);
    const untold = notes.flatMap(({ sourceAuthorId, sourceMessageId }) =>
      sourceAuthorId === undefined && sourceMessageId !== undefined ? [sourceMessageId] : [],
    );
    const authors = new Map<Snowflake, Snowflake>();
    for (const { key, value } of await store.getMany(untold.map((id) => recordKey(guildId, "message", id)))) {
      const read = valueToRecord("message", idOf(key), value);
      if ("record" in read) authors.set(read.record.id, read.record.authorId);
    }
    return notes
      .filter(({ sourceMessageId, sourceAuthorId }) => {
        if (sourceMessageId === undefined) return false;
        const authorId = sourceAuthorId ?? authors.get(sourceMessageId);
        return authorId !== undefined && isTheirs(authorId, sourceMessageId);
      })
      .map(({ id }) => id);
  }

  return {
    idsOfDay,
    days,
    walk,
    savedFrom,

    async *of(guildId: Snowflake, authorId: Snowflake): AsyncGenerator<AuthoredRecords> {
      for await (const page of days(guildId, authorId)) {
        for (const { key } of page) {
          const day = dayOf(key);
          const ids = await idsOfDay(guildId, authorId, day);
          if (ids.length > 0) yield { kind: "message", channelId: day.channelId, ids };
        }
      }
      const notes = await store.list(noteOwnerRange(guildId, authorId));
      if (notes.length > 0) yield { kind: "note", ids: notes.map(({ key }) => idOfPackedKey(key)) };
      for await (const found of walk(guildId, "note", KEYS_PER_ROUND)) {
        const owners = new Map(found.map(({ id, record }) => [id, record?.authorId]));
        const ids = await savedFrom(guildId, found, (by) => by === authorId);
        const ofOthers = ids.filter((id) => owners.get(id) !== authorId);
        if (ofOthers.length > 0) yield { kind: "saved-by-others", ids: ofOthers };
      }
    },
  };
}
