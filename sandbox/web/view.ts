// What one member sees of the world, as the page is told it: the guild, its history, its commands, and what happens.

import { type APIMessage, ApplicationCommandType, ChannelType, PermissionFlagsBits } from "discord-api-types/v10";
import type { Snowflake } from "../../src/snowflake.ts";
import type { CommandDefinition } from "../command-shapes.ts";
import type { Channel, Guild, Message, WorldEvent } from "../model.ts";
import { canReadHistory, canView, channelPermissions, sendPermission } from "../permissions.ts";
import type { World } from "../world.ts";
import type { CommandList, Directory, Happening, History, Person, Place } from "./wire.ts";

const PAGE_MESSAGES = 50;

const KINDS: Partial<Record<ChannelType, Place["kind"]>> = {
  [ChannelType.GuildAnnouncement]: "announcement",
  [ChannelType.GuildVoice]: "voice",
  [ChannelType.GuildForum]: "forum",
  [ChannelType.GuildCategory]: "category",
};

export interface MemberView {
  directory(viewerId: Snowflake): Directory;
  history(
    viewerId: Snowflake,
    channelId: Snowflake,
    anchor: { before?: Snowflake; after?: Snowflake; around?: Snowflake },
  ): History;
  commands(viewerId: Snowflake, channelId: Snowflake): CommandList;
  /** What a change of the world means for this member; undefined for nothing. */
  happening(viewerId: Snowflake, event: WorldEvent): Happening | undefined;
}

/** @param start where members begin and whom the switch offers first */
export function createMemberView(
  world: World,
  guildId: Snowflake,
  start: { readonly memberIds: readonly Snowflake[]; readonly channelIds: readonly Snowflake[] },
): MemberView {
  const guild = () => world.getGuild(guildId);

  /** A message with addresses of the page's own server, and with the one that a command in its menu was about. */
  function shown(message: Message): APIMessage {
    const rendered = world.render(message);
    const { interaction_metadata: origin } = rendered;
    const about = origin && "target_message_id" in origin && origin.target_message_id;
    const target = about ? world.findMessage(about) : undefined;
    const text = JSON.stringify(target ? { ...rendered, referenced_message: world.render(target) } : rendered);
    return JSON.parse(text.replaceAll(/"http:\/\/127\.0\.0\.1:\d+\/attachments\//g, '"/attachments/')) as APIMessage;
  }

  return {
    directory(viewerId) {
      const here = guild();
      const places = world.visibleChannels(viewerId, guildId).filter(({ thread }) => !thread?.archived);
      const startId = start.channelIds.find((id) => places.some((place) => place.id === id)) ?? places[0]?.id;
      return {
        guild: { id: here.id, name: here.name },
        viewerId,
        botId: world.bot.id,
        suggestedIds: start.memberIds,
        people: [...world.state.users.keys()].flatMap((id) => personOf(world, here, id) ?? []),
        roles: [...here.roles.values()].map(({ id, name, color }) => ({ id, name, color })),
        places: places.map((channel) => placeOf(here, channel, viewerId)),
        startId,
      };
    },
    history(viewerId, channelId, anchor) {
      const { channel } = world.getChannel(channelId);
      const page = world.visibleMessages(viewerId, channelId, { ...anchor, limit: PAGE_MESSAGES });
      const [newest, oldest] = [page[0], page.at(-1)];
      const hasBeyond = (side: "before" | "after", id: Snowflake | undefined) =>
        id !== undefined && channel.messages.page(side === "before" ? { before: id } : { after: id }, 1).length > 0;
      return {
        messages: page.reverse().map(shown),
        hasOlder: hasBeyond("before", oldest?.id),
        hasNewer: (anchor.after ?? anchor.around) !== undefined && hasBeyond("after", newest?.id),
      };
    },
    commands(viewerId, channelId) {
      const available = world.availableCommands(viewerId, channelId);
      const ofType = (type: ApplicationCommandType) => available.filter((command) => command.type === type);
      return {
        slash: ofType(ApplicationCommandType.ChatInput).map(({ definition }) => definition as CommandDefinition),
        menu: ofType(ApplicationCommandType.Message).map(({ definition }) => definition.name),
      };
    },
    happening(viewerId, event) {
      if (!("guild" in event) || event.guild.id !== guildId) return undefined;
      if (!("message" in event) && !("messages" in event)) return { type: "directory" };
      const { channel } = event;
      if (!canReadHistory(event.guild, channel, viewerId)) return undefined;
      if (event.type === "messages:deleted") {
        return { type: "gone", channelId: channel.id, ids: event.messages.map(({ id }) => id) };
      }
      const { message } = event;
      if (message.ephemeralFor !== undefined && message.ephemeralFor !== viewerId) return undefined;
      if (event.type === "message:deleted") return { type: "gone", channelId: channel.id, ids: [message.id] };
      return { type: "message", message: shown(message), isNew: event.type === "message:created" };
    },
  };
}

function personOf(world: World, guild: Guild, userId: Snowflake): Person | undefined {
  const user = world.state.users.get(userId);
  if (user === undefined) return undefined;
  const member = guild.members.get(userId);
  const roles = (member?.roleIds ?? []).flatMap((id) => guild.roles.get(id) ?? []);
  const colored = roles.filter(({ color }) => color !== 0).sort((a, b) => a.position - b.position);
  return {
    id: userId,
    name: member?.nick ?? user.globalName ?? user.username,
    bot: user.bot,
    roles: roles.filter(({ managed }) => !managed).map(({ name }) => name),
    color: colored[0]?.color ?? 0,
    owner: guild.ownerId === userId,
    member: member !== undefined,
  };
}

function placeOf(guild: Guild, channel: Channel, viewerId: Snowflake): Place {
  return {
    id: channel.id,
    name: channel.name,
    kind: channel.thread ? "thread" : (KINDS[channel.type] ?? "text"),
    topic: channel.topic ?? "",
    ...(channel.parentId && { parentId: channel.parentId }),
    private: channel.type === ChannelType.PrivateThread || !seenByEveryone(guild, channel),
    mayWrite: (channelPermissions(guild, channel, viewerId) & sendPermission(channel)) !== 0n,
    messages: channel.messages.size,
  };
}

/** Whether a member without any role sees it, as far as @everyone's permissions and exceptions tell. */
function seenByEveryone(guild: Guild, channel: Channel): boolean {
  const governing = channel.thread && channel.parentId ? guild.channels.get(channel.parentId) : channel;
  const own = governing?.overwrites.find(({ id }) => id === guild.id);
  const base = guild.roles.get(guild.id)?.permissions ?? 0n;
  const allowed = (base & ~(own?.deny ?? 0n)) | (own?.allow ?? 0n);
  return (allowed & PermissionFlagsBits.ViewChannel) !== 0n;
}

/** @throws Error unless the user is a member of the guild, and no bot */
export function checkMember(world: World, guildId: Snowflake, userId: string): Snowflake {
  const user = world.state.users.get(userId);
  if (!user || user.bot || !world.getGuild(guildId).members.has(userId)) throw new Error("there is no such member");
  return userId;
}

/** @throws Error unless the member sees the channel */
export function checkSees(world: World, viewerId: Snowflake, channelId: string): Snowflake {
  const found = world.findChannel(channelId);
  if (!found || !canView(found.guild, found.channel, viewerId)) throw new Error("there is no such channel");
  return channelId;
}
