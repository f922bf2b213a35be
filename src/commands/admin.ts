// What administrative commands check first: who asks, and whether the bot can write where reports go.

import {
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  type GuildTextBasedChannel,
  PermissionFlagsBits,
  type PermissionsBitField,
  Team,
} from "discord.js";
import { UserError } from "../errors.ts";
import type { Snowflake } from "../snowflake.ts";
import type { CommandContext } from "./command.ts";

type Asked = ChatInputCommandInteraction<"cached"> | ButtonInteraction<"cached">;

/** @throws UserError for members without Manage Server; Discord's own check can be overridden per server, and does not cover buttons */
export function requireManageServer(interaction: Asked): void {
  if (interaction.memberPermissions.has(PermissionFlagsBits.ManageGuild)) return;
  throw new UserError("That needs the Manage Server permission, which you do not have here. Nothing was changed.");
}

/** @throws UserError for anyone but the application's owner or a member of the team that owns it */
export async function requireApplicationOwner(interaction: Asked): Promise<void> {
  const { owner } = await interaction.client.application.fetch();
  const owns = owner instanceof Team ? owner.members.has(interaction.user.id) : owner?.id === interaction.user.id;
  if (!owns) throw new UserError("Only the owner of this bot can look at all servers at once.");
}

/**
 * The channel reports go to: the one asked for, else the remembered one, else the one we are in.
 * @throws UserError when the bot cannot write there
 */
export async function reportChannel(
  interaction: Asked,
  archive: CommandContext["archive"],
  asked: Snowflake | undefined,
): Promise<Snowflake> {
  if (asked) {
    const problem = await writingProblem(interaction, asked);
    if (problem) throw new UserError(`Reports cannot go to <#${asked}>: ${problem} Nothing was started.`);
    return asked;
  }
  const { adminChannelId } = await archive.settings(interaction.guildId);
  const candidates = [...new Set([adminChannelId, interaction.channelId])].filter((id) => id !== undefined);
  const problems: string[] = [];
  for (const id of candidates) {
    const problem = await writingProblem(interaction, id);
    if (!problem) return id;
    problems.push(`<#${id}>: ${problem}`);
  }
  throw new UserError(
    `There is no channel to report to. ${problems.join(" ")} Choose another with the option report-to. Nothing was started.`,
  );
}

/** Why the bot cannot post in a channel, or undefined when it can. */
async function writingProblem(interaction: Asked, channelId: Snowflake): Promise<string | undefined> {
  if (channelId === interaction.channelId) {
    // Discord tells the bot's permissions in this very channel, overwrites and threads included.
    return missing(interaction.appPermissions, interaction.channel?.isThread() ?? false);
  }
  const channel = await findChannel(interaction, channelId);
  if (!channel) return "the bot cannot see it, or it is gone.";
  return missing(channel.permissionsFor(await interaction.guild.members.fetchMe()), channel.isThread());
}

async function findChannel(interaction: Asked, channelId: Snowflake): Promise<GuildTextBasedChannel | undefined> {
  const { channels } = interaction.guild;
  // A failed fetch means "not there for us", whatever the reason: that is the answer to give.
  const channel = channels.cache.get(channelId) ?? (await channels.fetch(channelId).catch(() => null));
  return channel?.isTextBased() ? channel : undefined;
}

function missing(permissions: Readonly<PermissionsBitField>, inThread: boolean): string | undefined {
  const needed = [
    { name: "View Channel", bit: PermissionFlagsBits.ViewChannel },
    inThread
      ? { name: "Send Messages in Threads", bit: PermissionFlagsBits.SendMessagesInThreads }
      : { name: "Send Messages", bit: PermissionFlagsBits.SendMessages },
    { name: "Embed Links", bit: PermissionFlagsBits.EmbedLinks },
  ];
  const lacking = needed.filter(({ bit }) => !permissions.has(bit)).map(({ name }) => name);
  return lacking.length > 0 ? `the bot lacks ${lacking.join(", ")} there.` : undefined;
}
