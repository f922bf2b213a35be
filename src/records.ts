// What can be said of an archived record without I/O: the hash that identifies its content.

import { createHash } from "node:crypto";
import type { ArchivedRecord } from "./ports.ts";

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
  ];
  return createHash("sha1").update(parts.join("\u0000")).digest("hex").slice(0, 16);
}
