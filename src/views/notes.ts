// The replies of /note and "Save as note". Pure.

import type { ArchivedRecord } from "../ports.ts";
import { snowflakeTime } from "../snowflake.ts";
import { button, colors, customId, message, sentence, type View } from "./message.ts";
import { ago, clip, count, jumpLink, plain } from "./words.ts";

export const notesPerPage = 8;

export function noteSavedView(note: ArchivedRecord, guildId: string): View {
  const who =
    note.visibility === "channel" ? `Whoever can read <#${note.channelId}> can find it.` : "Only you can find it.";
  return message({
    content: `📝 Saved. ${who}`,
    embeds: [
      {
        color: colors.good,
        description: [plain(clip(noteText(note), 1_000)), ...sourceLine(note, guildId)].join("\n"),
      },
    ],
    buttons: [button("Remove it again", customId("note", "remove", note.id))],
  });
}

/** @param page counted from 0 */
export function notesView(notes: readonly ArchivedRecord[], page: number, guildId: string): View {
  if (notes.length === 0) {
    return sentence("You have no notes here yet. Add one, or save a message as a note from its menu (Apps).");
  }
  const pages = Math.ceil(notes.length / notesPerPage);
  const at = Math.min(Math.max(0, page), pages - 1);
  const shown = notes.slice(at * notesPerPage, (at + 1) * notesPerPage);
  return message({
    embeds: [
      {
        title: "Your notes",
        color: colors.neutral,
        fields: shown.map((note) => ({
          name: `${note.visibility === "channel" ? "👥 for readers of its channel" : "🔒 private"} · id ${note.id}`,
          value: [
            plain(clip(noteText(note), 300)),
            `${ago(snowflakeTime(note.id))} in <#${note.channelId}>`,
            ...sourceLine(note, guildId),
          ].join("\n"),
        })),
        footer: { text: `${count(notes.length, "note")} · page ${at + 1} of ${pages}` },
      },
    ],
    buttons:
      pages > 1
        ? [
            button("Newer", customId("note", "list", String(at - 1)), "secondary", at === 0),
            button("Older", customId("note", "list", String(at + 1)), "secondary", at === pages - 1),
          ]
        : [],
  });
}

export function noteRemovedView(note: ArchivedRecord): View {
  return message({
    content: "🗑️ The note is removed.",
    embeds: [{ color: colors.quiet, description: plain(clip(noteText(note), 1_000)) }],
  });
}

/** One line for a choice in autocomplete: at most 100 characters, as Discord allows. */
export function noteChoice(note: ArchivedRecord): string {
  const date = new Date(snowflakeTime(note.id)).toISOString().slice(0, 10);
  return clip(`${date} ${noteText(note).replace(/\s+/g, " ").trim()}`, 100);
}

/** What a note says: its text, else whatever it carries. */
export function noteText(
  note: Pick<ArchivedRecord, "content" | "forwarded" | "poll" | "embeds" | "attachments">,
): string {
  const files = (note.attachments ?? []).map(({ name, alt }) => (alt ? `${name} (${alt})` : name));
  const parts = [note.content, note.forwarded ?? "", note.poll ?? "", ...(note.embeds ?? []), ...files];
  return parts
    .map((part) => part.trim())
    .filter(Boolean)
    .join(" · ");
}

function sourceLine(note: ArchivedRecord, guildId: string): string[] {
  return note.sourceMessageId ? [`↗ ${jumpLink(guildId, note.channelId, note.sourceMessageId)}`] : [];
}
