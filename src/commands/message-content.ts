// What the message of a context menu says, for "Save as note" and "Find similar".

import type { SavedContent } from "../indexing/live/notes.ts";
import type { CommandContext, MenuInteraction } from "./command.ts";

/** All the archive knows of the message; of one that is not archived, what the interaction brought along. */
export async function contentOf(interaction: MenuInteraction, { archive }: CommandContext): Promise<SavedContent> {
  const { guildId, targetId, targetMessage } = interaction;
  const record = (await archive.get(guildId, "message", [targetId])).get(targetId)?.record;
  if (record) {
    const { content, attachments, embeds, poll, forwarded, mentions } = record;
    return {
      content,
      ...(attachments && { attachments }),
      ...(embeds && { embeds }),
      ...(poll && { poll }),
      ...(forwarded && { forwarded }),
      ...(mentions && { mentions }),
    };
  }
  const attachments = targetMessage.attachments.map(({ name, description }) => ({
    name,
    ...(description && { alt: description }),
  }));
  const embeds = targetMessage.embeds.map(({ title, description }) => [title, description].filter(Boolean).join("\n"));
  return {
    content: targetMessage.content,
    ...(attachments.length > 0 && { attachments }),
    ...(embeds.length > 0 && { embeds: embeds.filter(Boolean) }),
  };
}
