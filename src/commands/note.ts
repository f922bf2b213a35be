// /note add|list|remove. Speaks interaction; decides nothing.

import { InteractionContextType, MessageFlags, PermissionFlagsBits, SlashCommandBuilder } from "discord.js";
import { UserError } from "../errors.ts";
import type { ChannelInfo } from "../ports/archive.ts";
import { isSnowflake, type Snowflake } from "../snowflake.ts";
import { noteChoice, noteRemovedView, noteSavedView, notesView } from "../views/notes.ts";
import { canReadIn } from "./access.ts";
import {
  type ClickInteraction,
  type CommandContext,
  type MenuInteraction,
  pageOf,
  type SlashCommand,
  type SlashInteraction,
} from "./command.ts";
import { answer, inItsPlace } from "./reply.ts";

const maxTextLength = 4_000;
const maxChoices = 25;

const data = new SlashCommandBuilder()
  .setName("note")
  .setDescription("Keep notes that the search finds like messages")
  .setContexts(InteractionContextType.Guild)
  .addSubcommand((sub) =>
    sub
      .setName("add")
      .setDescription("Write a note")
      .addStringOption((option) =>
        option.setName("text").setDescription("What to remember").setRequired(true).setMaxLength(maxTextLength),
      )
      .addStringOption((option) =>
        option
          .setName("visibility")
          .setDescription("Who can find it (only you when left out)")
          .addChoices(
            { name: "private: only you", value: "private" },
            { name: "channel: whoever can read this channel", value: "channel" },
          ),
      ),
  )
  .addSubcommand((sub) =>
    sub
      .setName("list")
      .setDescription("Show your notes, newest first")
      .addIntegerOption((option) => option.setName("page").setDescription("Which page").setMinValue(1)),
  )
  .addSubcommand((sub) =>
    sub
      .setName("remove")
      .setDescription("Remove a note")
      .addStringOption((option) =>
        option
          .setName("note")
          .setDescription("Type some of its words and choose it, or give its id")
          .setRequired(true)
          .setAutocomplete(true),
      ),
  );

export const note = {
  kind: "slash",
  data,
  async execute(interaction, context) {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    const { options, guildId } = interaction;
    switch (options.getSubcommand()) {
      case "add": {
        const origin = await noteOrigin(interaction, context);
        const visibility = options.getString("visibility") === "channel" ? "channel" : "private";
        if (visibility === "channel") requireMayWrite(interaction, origin.channel);
        const added = await context.notes.add({ ...origin, text: options.getString("text", true), visibility });
        return await answer(interaction, noteSavedView(added, guildId));
      }
      case "list":
        return await list(interaction, context, (options.getInteger("page") ?? 1) - 1);
      case "remove":
        return await remove(interaction, context, options.getString("note", true).trim());
    }
  },
  async autocomplete(interaction, { notes }) {
    const typed = interaction.options.getFocused().toLowerCase().trim();
    const own = await notes.list(interaction.guildId, interaction.user.id);
    const choices = own.map((found) => ({ name: noteChoice(found), value: found.id }));
    const matching = choices.filter(({ name, value }) => name.toLowerCase().includes(typed) || value === typed);
    await interaction.respond(matching.slice(0, maxChoices));
  },
  buttons: {
    list: inItsPlace((interaction, context, [page]) => list(interaction, context, pageOf(page))),
    remove: inItsPlace((interaction, context, [noteId = ""]) => remove(interaction, context, noteId)),
  },
} satisfies SlashCommand;

/** What a note made by this interaction is, besides its text. @throws UserError when the bot does not see the channel */
export async function noteOrigin(interaction: SlashInteraction | MenuInteraction, context: CommandContext) {
  return {
    id: interaction.id,
    guildId: interaction.guildId,
    channel: await channelOf(interaction, context),
    ownerId: interaction.user.id,
    ownerName: interaction.member.displayName,
  };
}

async function channelOf(
  interaction: SlashInteraction | MenuInteraction,
  context: CommandContext,
): Promise<ChannelInfo> {
  // Without the channel we would not know whose permissions govern the note, so a failed fetch is a refusal.
  const { channels } = interaction.guild;
  const channel = interaction.channel ?? (await channels.fetch(interaction.channelId).catch(() => null));
  const info = channel ? context.channelInfo(channel) : undefined;
  if (!info) throw new UserError("The bot cannot see this channel, so notes cannot be made here. Nothing was saved.");
  return info;
}

/** A note for a channel is put before all who read it, as a message is. */
function requireMayWrite({ memberPermissions }: SlashInteraction, { parentId }: ChannelInfo): void {
  const { SendMessages, SendMessagesInThreads } = PermissionFlagsBits;
  if (memberPermissions.has(parentId === undefined ? SendMessages : SendMessagesInThreads)) return;
  throw new UserError("You cannot write in this channel, so a note here can only be a private one. Nothing was saved.");
}

/** @param page counted from 0 */
async function list(interaction: SlashInteraction | ClickInteraction, { notes }: CommandContext, page: number) {
  const { guildId, user } = interaction;
  await answer(interaction, notesView(await notes.list(guildId, user.id), page, guildId));
}

async function remove(interaction: SlashInteraction | ClickInteraction, context: CommandContext, noteId: Snowflake) {
  if (!isSnowflake(noteId)) {
    throw new UserError(
      "Choose a note from the list that appears while you type, or give its id. Nothing was removed.",
    );
  }
  const removed = await context.notes.remove(interaction.guildId, noteId, {
    userId: interaction.user.id,
    // In a private thread, also a moderator has to be in it, or its notes would be shown by removing them.
    moderates: async ({ channelId, accessChannelId }) =>
      mayModerate(interaction, channelId) && (await canReadIn(interaction, context, accessChannelId)),
  });
  await answer(interaction, noteRemovedView(removed));
}

function mayModerate({ guild, member }: SlashInteraction | ClickInteraction, channelId: Snowflake): boolean {
  const needed = [PermissionFlagsBits.ViewChannel, PermissionFlagsBits.ManageMessages];
  return guild.channels.cache.get(channelId)?.permissionsFor(member).has(needed) ?? false;
}
