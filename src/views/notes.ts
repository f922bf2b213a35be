// The replies of /note and "Save as note". Pure.

import type { ArchivedRecord } from "../ports/records.ts";
import { shownRecord, withoutHidden } from "../search/shown-text.ts";
import { snowflakeTime } from "../snowflake.ts";
import { button, card, colors, customId, sentence, type View } from "./message.ts";
import { recordBlocks } from "./record-text.ts";
import { wayThere } from "./search-results.ts";
import { ago, clip, count } from "./words.ts";

const notesPerPage = 8;

export function noteSavedView(note: ArchivedRecord, guildId: string): View {
  const who =
    note.visibility === "channel" ? `Whoever can read <#${note.channelId}> can find it.` : "Only you can find it.";
  return card({
    content: `📝 Saved. ${who}`,
    color: colors.good,
    description: [recordBlocks(note, { room: 1_500 }), ...wayThere(note, guildId)].join("\n"),
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
  return card({
    title: "Your notes",
    color: colors.neutral,
    fields: shown.map((note) => ({
      name: `${note.visibility === "channel" ? "👥 for readers of its channel" : "🔒 private"} · id ${note.id}`,
      value: [
        recordBlocks(note, { room: 400 }),
        `${ago(snowflakeTime(note.id))} in <#${note.channelId}>`,
        ...wayThere(note, guildId),
      ].join("\n"),
    })),
    footer: { text: `${count(notes.length, "note")} · page ${at + 1} of ${pages}` },
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
  return card({
    content: "🗑️ The note is removed.",
    color: colors.quiet,
    description: recordBlocks(note, { room: 1_500 }),
  });
}

/** One line for a choice in autocomplete: at most 100 characters, as Discord allows. */
export function noteChoice(note: ArchivedRecord): string {
  const date = new Date(snowflakeTime(note.id)).toISOString().slice(0, 10);
  return clip(`${date} ${withoutHidden(shownRecord(note))}`, 100);
}
