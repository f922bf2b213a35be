// /backfill failures: what could not be made searchable, why, and where it is. Pure.

import type { QuarantineEntry } from "../ports.ts";
import { button, colors, customId, fitLines, message, sentence, type View } from "./message.ts";
import { ago, clip, count, jumpLink, plain } from "./words.ts";

/** @param total how many there are in all; `entries` may be the newest of them only */
export function failuresView(entries: readonly QuarantineEntry[], total: number, guildId: string): View {
  if (entries.length === 0) return sentence("✅ No failures: every record with text could be made searchable.");
  const lines = entries.map((entry) => {
    const what =
      entry.kind === "message" && entry.channelId
        ? `${jumpLink(guildId, entry.channelId, entry.id)}`
        : `${entry.kind} \`${entry.id}\``;
    return `• ${what} ${ago(entry.at)}, ${count(entry.attempts, "attempt")}: ${plain(clip(entry.reason, 200))}`;
  });
  return message({
    embeds: [
      {
        title: `❗ ${count(Math.max(total, entries.length), "record")} could not be made searchable`,
        color: colors.warning,
        description: fitLines(lines, 3_900, (left) => `and ${count(left)} more`),
        footer: { text: "They are safe in the archive. An edited message gets another chance by itself." },
      },
    ],
    buttons: [button("Try them again", customId("backfill", "retry"), "primary")],
  });
}

/** The answer of /backfill retry. */
export function retriedView(released: number): View {
  if (released === 0) return sentence("There is nothing to try again: no record is set aside.");
  return message({
    content: `↻ ${count(released, "record")} ${released === 1 ? "gets" : "get"} another chance. The status shows when that is done.`,
    buttons: [button("Status", customId("backfill", "status"))],
  });
}
