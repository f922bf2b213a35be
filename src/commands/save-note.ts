// "Save as note" in a message's menu: a private note with the message's text and a link back. Speaks interaction; decides nothing.

import { ApplicationCommandType, ContextMenuCommandBuilder, InteractionContextType, MessageFlags } from "discord.js";
import type { SavedContent } from "../indexing/notes.ts";
import { noteSavedView } from "../views/notes.ts";
import type { CommandContext, MenuCommand, MenuInteraction } from "./command.ts";
import { noteOrigin } from "./note.ts";
import { answer } from "./reply.ts";

export const saveNote = {
  kind: "menu",
  data: new ContextMenuCommandBuilder()
    .setName("Save as note")
    .setType(ApplicationCommandType.Message)
    .setContexts(InteractionContextType.Guild),
  async execute(interaction, context) {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    const origin = await noteOrigin(interaction, context);
    const content = await contentOf(interaction, context);
    const saved = await context.notes.saveFromMessage(origin, interaction.targetId, content);
    await answer(interaction, noteSavedView(saved, interaction.guildId));
  },
} satisfies MenuCommand;

/** All the archive knows of the message; of one that is not archived, what the interaction brought along. */
async function contentOf(interaction: MenuInteraction, { archive }: CommandContext): Promise<SavedContent> {
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
