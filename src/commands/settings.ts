// /backfill settings … and /backfill record: what is stored of a server, decided by its admins, and the record of their deeds.
// Part of /backfill: whoever may use that may use these.

import { ChannelType, type SlashCommandSubcommandBuilder, type SlashCommandSubcommandGroupBuilder } from "discord.js";
import { UserError } from "../errors.ts";
import type { Deed } from "../ports/deeds.ts";
import {
  botsView,
  DEEDS_PER_PAGE,
  leftOutView,
  memberRemovedView,
  recordView,
  removeMemberQuestionView,
  retentionView,
  rulesView,
  takenInView,
} from "../views/settings.ts";
import type { ClickInteraction, CommandContext, SlashInteraction } from "./command.ts";
import { answer } from "./reply.ts";

/** Ten years. */
const MOST_DAYS = 3_650;

export function settingsGroup(group: SlashCommandSubcommandGroupBuilder): SlashCommandSubcommandGroupBuilder {
  return group
    .setName("settings")
    .setDescription("Decide what is stored of this server")
    .addSubcommand((sub) => sub.setName("show").setDescription("Show what is stored, and what is left out"))
    .addSubcommand((sub) =>
      sub
        .setName("exclude")
        .setDescription("Store nothing of a channel or category, and delete what is stored of it")
        .addChannelOption((option) =>
          option.setName("channel").setDescription("A channel, thread or category").setRequired(true),
        ),
    )
    .addSubcommand((sub) =>
      sub
        .setName("include")
        .setDescription("Store a channel or category again, and fetch it from Discord")
        .addChannelOption((option) =>
          option.setName("channel").setDescription("A channel, thread or category that is left out").setRequired(true),
        ),
    )
    .addSubcommand((sub) =>
      sub
        .setName("bots")
        .setDescription("Whether messages of bots and webhooks are stored")
        .addBooleanOption((option) =>
          option.setName("store").setDescription("False: left out, and deleted where stored").setRequired(true),
        ),
    )
    .addSubcommand((sub) =>
      sub
        .setName("retention")
        .setDescription("For how long messages are kept; older ones leave by themselves, every day")
        .addIntegerOption((option) =>
          option
            .setName("days")
            .setDescription("So many days; 0: until they are deleted")
            .setMinValue(0)
            .setMaxValue(MOST_DAYS)
            .setRequired(true),
        ),
    )
    .addSubcommand((sub) =>
      sub
        .setName("remove")
        .setDescription("Delete everything that a member has written, e.g. at their request (asks first)")
        .addUserOption((option) =>
          option.setName("member").setDescription("Also one who has left: by id").setRequired(true),
        ),
    );
}

export function recordSubcommand(sub: SlashCommandSubcommandBuilder): SlashCommandSubcommandBuilder {
  return sub.setName("record").setDescription("Show who started, paused, deleted and decided what");
}

type Asked = SlashInteraction | ClickInteraction;

/** Each acknowledged already, for the asker's eyes only. */
export const settings: Readonly<
  Record<string, (interaction: SlashInteraction, context: CommandContext) => Promise<void>>
> = {
  async show(interaction, { rules }) {
    await answer(interaction, rulesView(await rules.of(interaction.guildId)));
  },
  async exclude(interaction, { rules }) {
    const { id, type } = interaction.options.getChannel("channel", true);
    await rules.leaveOutChannel(interaction.guildId, id, interaction.user.id);
    await answer(interaction, leftOutView(id, type === ChannelType.GuildCategory));
  },
  async include(interaction, { rules }) {
    const channel = interaction.options.getChannel("channel", true);
    const isNew = await rules.takeInChannel(interaction.guildId, channel.id, interaction.user.id);
    const { channelIds } = await rules.of(interaction.guildId);
    const above = [channel.parentId, channel.parent?.parentId].find((id) => id && channelIds.includes(id));
    await answer(interaction, takenInView(channel.id, isNew, above ?? undefined));
  },
  async bots(interaction, { rules }) {
    const areStored = interaction.options.getBoolean("store", true);
    const isNew = await rules.storeBots(interaction.guildId, areStored, interaction.user.id);
    await answer(interaction, botsView(areStored, isNew));
  },
  async retention(interaction, { rules }) {
    const days = interaction.options.getInteger("days", true) || undefined;
    await rules.keepFor(interaction.guildId, days, interaction.user.id);
    await answer(interaction, retentionView(days));
  },
  async remove(interaction) {
    await answer(interaction, removeMemberQuestionView(interaction.options.getUser("member", true).id));
  },
};

/** After the question of `remove`. */
export async function removeMember(
  interaction: ClickInteraction,
  { rules }: CommandContext,
  userId: string,
): Promise<void> {
  if (!/^\d{1,19}$/.test(userId)) throw new UserError("That is no member. Nothing was changed.");
  await rules.removeMember(interaction.guildId, userId, interaction.id, interaction.user.id);
  await answer(interaction, memberRemovedView(userId));
}

/** @param page counted from 0 */
export async function record(interaction: Asked, { archive }: CommandContext, page: number): Promise<void> {
  const end = (page + 1) * DEEDS_PER_PAGE;
  const deeds = await archive.deeds(interaction.guildId, end + 1);
  await answer(interaction, recordView(deeds.slice(page * DEEDS_PER_PAGE), page));
}

/** Adds a line to the record about what has just been done. It is worth less than that, and does not fail it. */
export async function note(
  interaction: Asked,
  { archive, clock, logger }: CommandContext,
  what: Deed["what"],
  detail?: string,
): Promise<void> {
  const { guildId, user } = interaction;
  const deed: Deed = { at: clock.now(), by: user.id, what, ...(detail !== undefined && { detail }) };
  await archive
    .addDeed(guildId, deed)
    .catch((thrown: unknown) => logger.warn("deed:not-recorded", { guildId, what, error: String(thrown) }));
}
