// The INTERACTION_CREATE payload.
// Source: https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object

import {
  type APIMessage,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  InteractionType,
} from "discord-api-types/v10";
import { renderPartialChannel } from "./command-options.ts";
import type { Interaction } from "./model.ts";
import { channelPermissions } from "./permissions.ts";
import { type ApiObject, renderMember } from "./render-guild.ts";
import { type RenderContext, renderMessage } from "./render-message.ts";
import { getChannel } from "./state.ts";

export function renderInteraction(
  context: RenderContext,
  interaction: Interaction,
): ApiObject & { readonly message?: APIMessage } {
  const { state } = context;
  const { guild, channel } = getChannel(state, interaction.channelId);
  const member = guild.members.get(interaction.userId);
  if (!member) throw new Error(`user ${interaction.userId} is not a member of guild ${guild.id}`);
  const isCommand = interaction.type === InteractionType.ApplicationCommand;
  return {
    id: interaction.id,
    application_id: state.applicationId,
    type: interaction.type,
    token: interaction.token,
    version: 1,
    data: isCommand ? withTarget(context, interaction) : interaction.data,
    guild: { id: guild.id, locale: "en-US", features: [] },
    guild_id: guild.id,
    guild_locale: "en-US",
    channel: renderPartialChannel(guild, channel, interaction.userId),
    channel_id: channel.id,
    member: {
      ...renderMember(state, member),
      permissions: channelPermissions(guild, channel, interaction.userId).toString(),
    },
    locale: "en-US",
    app_permissions: channelPermissions(guild, channel, state.bot.id).toString(),
    entitlements: [],
    authorizing_integration_owners: { [ApplicationIntegrationType.GuildInstall]: guild.id },
    context: InteractionContextType.Guild,
    attachment_size_limit: 10 * 1024 * 1024,
    ...(interaction.message && !isCommand ? { message: renderMessage(context, interaction.message) } : {}),
  };
}

/** A message context menu brings its message along, with content whatever the intents. */
function withTarget(context: RenderContext, interaction: Interaction): unknown {
  const data = interaction.data as { readonly type?: ApplicationCommandType };
  if (data.type !== ApplicationCommandType.Message || !interaction.message) return data;
  return { ...data, resolved: { messages: { [interaction.message.id]: renderMessage(context, interaction.message) } } };
}
