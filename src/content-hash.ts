// What can be said of records and their rows without I/O: the hash that identifies a record's content, and which part of a row's
// search text is a neighbour's.

import { createHash } from "node:crypto";
import { fromFullText, toFullText } from "./full-text.ts";
import type { ArchivedRecord } from "./ports/records.ts";

/**
 * 16 hex digits over everything of a record that ends up in its index row. Two records with the same hash need the same rows.
 * The author's name is left out: a new nickname does not make a year of messages stale.
 */
export function contentHash(record: ArchivedRecord): string {
  const parts = [
    record.kind,
    record.channelId,
    record.accessChannelId,
    record.authorId,
    record.visibility ?? "",
    record.content,
    record.poll ?? "",
    record.forwarded ?? "",
    record.replyToId ?? "",
    ...(record.attachments ?? []).flatMap((file) => [file.name, file.alt ?? "", file.contentType ?? ""]),
    "\u0001",
    ...(record.embeds ?? []),
    // Only where there are any: the hash of all other records stays what it was.
    ...(record.stickers?.length ? ["\u0002", ...record.stickers] : []),
    ...(record.pinned ? ["\u0003"] : []),
    ...(record.forwarded === "" ? ["\u0004"] : []),
  ];
  return createHash("sha1").update(parts.join("\u0000")).digest("hex").slice(0, 16);
}

/** What a message that is a sticker alone says; beside words, a sticker's name says more about its maker. */
export function stickerText({ stickers = [] }: Pick<ArchivedRecord, "stickers">): string {
  return stickers.length > 0 ? `Sticker: ${stickers.join(", ")}` : "";
}

/** Unicode's line separator: to the full-text index a space, and in no readable text, where white space is folded. */
export const END_OF_CONTEXT = "\u2028";

/** Unicode's paragraph separator, used likewise: what stands before the message's own words is its author and title. */
const END_OF_HEADING = "\u2029";

/**
 * What the full-text index holds of a row.
 * @param context a neighbour's words; may be empty
 * @param heading author and title; may be empty
 */
export function joinSearchText(context: string, heading: string, said: string): string {
  // Each part by itself: plain ASCII, as most are, is left as it is at once, which the separators are not.
  const folded = toFullText(said);
  const own = heading === "" ? folded : `${toFullText(heading)}${END_OF_HEADING}${folded}`;
  return context === "" ? own : `${toFullText(context)}${END_OF_CONTEXT}${own}`;
}

/** The parts of a search text, in its folded letters: a neighbour's words, the message's own with its heading, and what it says without. */
export function splitSearchText(searchText: string): {
  readonly context: string;
  readonly own: string;
  readonly said: string;
} {
  const text = fromFullText(searchText);
  const end = text.lastIndexOf(END_OF_CONTEXT);
  const own = text.slice(end + 1);
  const said = own.slice(own.indexOf(END_OF_HEADING) + 1);
  return { context: text.slice(0, Math.max(0, end)), own: own.replace(END_OF_HEADING, ""), said };
}
