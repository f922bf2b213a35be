// Notices that channels come out of the bot's sight or into it: a changed role, overwrite or membership. Nothing is heard of what is
// written where the bot may not look, so those channels have a gap from then on, until it is fetched.

import {
  type Client,
  type DMChannel,
  Events,
  type Guild,
  type GuildMember,
  type NonThreadGuildBasedChannel,
  type PartialGuildMember,
} from "discord.js";
import type { Hearing } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";
import { channelFacts, guildFacts, plainChannels } from "./guild-facts.ts";
import { listen } from "./listen.ts";
import { canRead, memberPermissions } from "./permission-rules.ts";

/**
 * @param onRevealed told of a guild in which channels can be read that could not be before
 * @returns stops watching, removing nobody else's listeners
 */
export function watchVisibility(
  client: Client,
  hearing: Hearing,
  onRevealed: (guildId: Snowflake) => void,
): () => void {
  const hidden = new Map<Snowflake, ReadonlySet<Snowflake>>();

  function hiddenIn(guild: Guild): Set<Snowflake> | undefined {
    const { me } = guild.members;
    if (!guild.available || !me) return undefined;
    const facts = guildFacts(guild);
    const bot = { userId: me.id, roleIds: [...me.roles.cache.keys()], isTimedOut: me.isCommunicationDisabled() };
    const isHidden = (channel: NonThreadGuildBasedChannel) =>
      !canRead(memberPermissions(facts, channelFacts(channel), bot), channel.type);
    return new Set(
      plainChannels(guild)
        .filter(isHidden)
        .map(({ id }) => id),
    );
  }

  function remember(guild: Guild): void {
    const now = hiddenIn(guild);
    if (now !== undefined) hidden.set(guild.id, now);
  }

  function look(guild: Guild): void {
    const [before, now] = [hidden.get(guild.id), hiddenIn(guild)];
    if (now === undefined) return;
    hidden.set(guild.id, now);
    const stretch = hearing.of(guild.id);
    for (const channelId of now) if (before?.has(channelId) !== true) stretch.lost(channelId);
    const isRevealed = (channelId: Snowflake) => !now.has(channelId) && guild.channels.cache.has(channelId);
    if (before !== undefined && [...before].some(isRevealed)) onRevealed(guild.id);
  }

  const onReady = () => {
    for (const guild of client.guilds.cache.values()) remember(guild);
  };
  const onRole = ({ guild }: { readonly guild: Guild }) => look(guild);
  const onMember = (_before: GuildMember | PartialGuildMember, { id, guild }: GuildMember) => {
    if (id === client.user?.id) look(guild);
  };
  const onChannel = (_before: unknown, channel: DMChannel | NonThreadGuildBasedChannel) => {
    if (!channel.isDMBased()) look(channel.guild);
  };
  const onNewChannel = (channel: NonThreadGuildBasedChannel) => {
    look(channel.guild);
    // Nothing can be missing of what has only just been made.
    const stretch = hearing.of(channel.guild.id);
    if (hidden.get(channel.guild.id)?.has(channel.id) === false) stretch.completed(channel.id, stretch.mark());
  };

  if (client.isReady()) onReady();
  return listen(client, {
    [Events.ClientReady]: onReady,
    [Events.GuildCreate]: remember,
    [Events.GuildAvailable]: remember,
    [Events.GuildRoleUpdate]: onRole,
    [Events.GuildRoleDelete]: onRole,
    [Events.GuildMemberUpdate]: onMember,
    [Events.ChannelUpdate]: onChannel,
    [Events.ChannelCreate]: onNewChannel,
  });
}
