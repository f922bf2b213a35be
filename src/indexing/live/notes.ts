// Members' notes: added, listed and removed in the archive. Making them searchable is live indexing's part, through pending marks.

import type { Archive, ChannelInfo } from "../../ports/archive.ts";
import type { ArchivedRecord, StoredRecord } from "../../ports/records.ts";
import { RefusedError } from "../../refusals.ts";
import type { Snowflake } from "../../snowflake.ts";

/** The most notes of one owner that are listed. */
const LISTED = 500;

interface NoteOrigin {
  /** The interaction's id becomes the note's: made by Discord, so unique and in order of time. */
  readonly id: Snowflake;
  readonly guildId: Snowflake;
  /** Where it was made: a note for readers of a channel is governed by this channel's permissions. */
  readonly channel: ChannelInfo;
  readonly ownerId: Snowflake;
  readonly ownerName: string;
}

export interface NewNote extends NoteOrigin {
  readonly text: string;
  readonly visibility: "private" | "channel";
}

/** What a note takes over from a message. */
export type SavedContent = Pick<
  ArchivedRecord,
  "content" | "attachments" | "embeds" | "poll" | "forwarded" | "mentions"
>;

export interface Notes {
  /** @throws RefusedError when there is nothing to keep, or nothing of the owner is to be stored */
  add(note: NewNote): Promise<ArchivedRecord>;
  /**
   * A private note with a message's content and a way back to it.
   * @throws RefusedError when the message has nothing to keep, or its author's words are not to be stored
   */
  saveFromMessage(
    origin: NoteOrigin,
    source: { readonly messageId: Snowflake; readonly authorId: Snowflake },
    content: SavedContent,
  ): Promise<ArchivedRecord>;
  /** An owner's notes, newest first. */
  list(guildId: Snowflake, ownerId: Snowflake): Promise<ArchivedRecord[]>;
  /**
   * Removes a note of one's own, or, as a moderator of its channel, a channel note of somebody else.
   * @throws RefusedError when there is no such note for this person; a foreign private note is not told from an absent one
   */
  remove(
    guildId: Snowflake,
    noteId: Snowflake,
    by: { readonly userId: Snowflake; readonly moderates: (note: ArchivedRecord) => Promise<boolean> },
  ): Promise<ArchivedRecord>;
}

/** @param parts.onChanged says that notes were added or removed, which left pending marks */
export function createNotes(parts: {
  readonly archive: Pick<Archive, "admitted" | "save" | "saveChannels" | "get" | "remove" | "notesOf">;
  readonly onChanged: (guildId: Snowflake, ids: readonly Snowflake[]) => Promise<void>;
}): Notes {
  const { archive, onChanged } = parts;

  async function requireAdmitted(guildId: Snowflake, note: ArchivedRecord): Promise<void> {
    if ((await archive.admitted(guildId, [note])).length > 0) return;
    const { sourceAuthorId: _, ...own } = note;
    const isOwn = (await archive.admitted(guildId, [own])).length === 0;
    throw new RefusedError({ kind: "note-excluded", whose: isOwn ? "own" : "author" });
  }

  async function store(
    origin: NoteOrigin,
    rest: SavedContent & Pick<ArchivedRecord, "visibility" | "sourceMessageId" | "sourceAuthorId">,
  ) {
    const { id, guildId, channel, ownerId, ownerName } = origin;
    const note: ArchivedRecord = {
      kind: "note",
      id,
      channelId: channel.id,
      accessChannelId: channel.accessChannelId,
      authorId: ownerId,
      authorName: ownerName,
      ...rest,
    };
    await requireAdmitted(guildId, note);
    // A thread nobody has written in yet is unknown to the archive; search must learn of it to find a channel note there.
    await archive.saveChannels(guildId, [channel]);
    await archive.save(guildId, [note], { pending: true });
    await onChanged(guildId, [id]);
    return note;
  }

  return {
    async add({ text, visibility, ...origin }) {
      if (!hasText(text)) throw new RefusedError({ kind: "note-without-text" });
      return await store(origin, { content: text.trim(), visibility });
    },

    async saveFromMessage(origin, { messageId, authorId }, content) {
      const { attachments = [], embeds = [], poll = "", forwarded = "" } = content;
      const parts = [content.content, poll, forwarded, ...embeds, ...attachments.map(({ name }) => name)];
      if (!parts.some(hasText)) throw new RefusedError({ kind: "message-without-text" });
      const source = { sourceMessageId: messageId, sourceAuthorId: authorId };
      return await store(origin, { ...content, visibility: "private", ...source });
    },

    async list(guildId, ownerId) {
      const stored: StoredRecord[] = await archive.notesOf(guildId, ownerId, LISTED);
      return stored.map(({ record }) => record);
    },

    async remove(guildId, noteId, { userId, moderates }) {
      const note = (await archive.get(guildId, "note", [noteId])).get(noteId)?.record;
      const mine = note?.authorId === userId;
      const moderated = !mine && note?.visibility === "channel" && (await moderates(note));
      if (!note || !(mine || moderated)) throw new RefusedError({ kind: "no-such-note" });
      await archive.remove(guildId, "note", [noteId]);
      await onChanged(guildId, [noteId]);
      return note;
    },
  };
}

/** False for text that shows nothing: blanks, zero-width and other invisible characters. */
function hasText(text: string): boolean {
  return text.replace(/\s|\p{C}|\p{Z}|\p{M}|[\u115F\u1160\u2800\u3164]/gu, "") !== "";
}
