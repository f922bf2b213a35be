// A value holds 64 KiB. A record that would not fit (dozens of long embeds) is shortened, the least important parts first, with a
// mark where something is missing: it is never lost and never refused.

import { serialize } from "node:v8";
import type { ArchivedRecord } from "../../ports/records.ts";

/** Of the 65,536 bytes of a value; the rest is for the hash and the version. */
const MAX_RECORD_BYTES = 65_000;
/** Strings with any character beyond Latin-1 are stored as two bytes a character, so this many fit in any language. */
const MAX_TEXT_LENGTH = 28_000;
const MARK = "… [shortened]";

/** The record itself when it fits; otherwise a copy that does. The same input always gives the same copy. */
export function fitted(record: ArchivedRecord): ArchivedRecord {
  if (sizeBound(record) <= MAX_RECORD_BYTES || serialize(record).length <= MAX_RECORD_BYTES) return record;
  let left = MAX_TEXT_LENGTH;
  const take = (text: string): string => {
    const kept = text.length <= left ? text : `${text.slice(0, left).replace(/[\uD800-\uDBFF]$/, "")}${MARK}`;
    // Every entry of a list costs some bytes beside its characters.
    left = Math.max(0, left - kept.length - 32);
    return kept;
  };
  /** Entries while there is room; `marked` makes the entry that says that there were more. */
  const takeList = <T>(list: readonly T[], one: (entry: T) => T, marked?: T): T[] => {
    const kept: T[] = [];
    for (const entry of list) {
      if (left === 0) return marked === undefined ? kept : [...kept, marked];
      kept.push(one(entry));
    }
    return kept;
  };
  // In order of importance: what is taken first keeps most.
  return {
    ...record,
    authorName: record.authorName.slice(0, 256),
    content: take(record.content),
    ...(record.forwarded !== undefined && { forwarded: take(record.forwarded) }),
    ...(record.poll !== undefined && { poll: take(record.poll) }),
    ...(record.attachments && {
      attachments: takeList(
        record.attachments,
        ({ name, alt, contentType }) => ({
          name: take(name),
          ...(alt !== undefined && { alt: take(alt) }),
          ...(contentType !== undefined && { contentType: take(contentType) }),
        }),
        { name: MARK },
      ),
    }),
    ...(record.embeds && { embeds: takeList(record.embeds, take, MARK) }),
    ...(record.mentions && {
      mentions: takeList(record.mentions, (mention) => ({ id: mention.id, name: take(mention.name) })),
    }),
  };
}

/** Bytes that a value will not exceed when it is encoded; cheap. */
export function sizeBound(value: unknown): number {
  if (typeof value === "string") return value.length * 2 + 6;
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== "object" || value === null) return 12;
  let sum = 16;
  for (const [name, field] of Object.entries(value)) sum += name.length + 3 + sizeBound(field);
  return sum;
}
