// "Save as note" in a message's menu: a private note with the message's text and a link back. Speaks interaction; decides nothing.

import { ApplicationCommandType, ContextMenuCommandBuilder, InteractionContextType, MessageFlags } from "discord.js";
import { noteSavedView } from "../views/notes.ts";
import type { MenuCommand, MenuInteraction } from "./command.ts";
import { contentOf } from "./message-content.ts";
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
    const saved = await context.notes.saveFromMessage(origin, sourceOf(interaction), content);
    await answer(interaction, noteSavedView(saved, interaction.guildId));
  },
} satisfies MenuCommand;

function sourceOf({ targetId, targetMessage }: MenuInteraction) {
  return { messageId: targetId, authorId: targetMessage.author.id };
}
