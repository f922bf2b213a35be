// From a change of the world to the gateway events one session gets: filtered by its intents and by what the bot can see.
// Sources: https://discord.com/developers/docs/events/gateway#list-of-intents and .../events/gateway-events

import { ChannelType, GatewayDispatchEvents as Events, GatewayIntentBits as Intents } from "discord-api-types/v10";
import type { Channel, Guild, Message, WorldEvent } from "./model.ts";
import { canView } from "./permissions.ts";
import {
  type ApiObject,
  renderBareMember,
  renderChannel,
  renderGuild,
  renderMember,
  renderRole,
  renderThread,
  renderThreadMember,
  renderUser,
} from "./render-guild.ts";
import { renderInteraction } from "./render-interaction.ts";
import { type RenderContext, renderMessage, withoutContent } from "./render-message.ts";
import { getUser } from "./state.ts";

interface Check {
  readonly schema: string;
  readonly value: unknown;
}

export interface Dispatch {
  /** Discord's event name. */
  readonly name: string;
  readonly data: ApiObject;
  /** The parts of `data` that the official description has schemas for. */
  readonly checks?: readonly Check[];
}

/** What a session gets to hear of a change, in order; nothing when it did not ask or the bot cannot see. */
export function dispatchesFor(context: RenderContext, intents: number, event: WorldEvent): Dispatch[] {
  const { state } = context;
  const botId = state.bot.id;
  const has = (intent: number) => (intents & intent) !== 0;

  if ("interaction" in event) {
    if (event.type === "interaction:updated") return [];
    const data = renderInteraction(context, event.interaction);
    const checks = data.message ? [{ schema: "MessageResponse", value: data.message }] : [];
    return [{ name: Events.InteractionCreate, data, checks }];
  }
  const { guild } = event;
  const isForeign = !guild.members.has(botId) && event.type !== "guild:deleted";
  if (isForeign) return [];

  switch (event.type) {
    case "guild:created":
      return has(Intents.Guilds) ? [guildCreate(context, intents, guild)] : [];
    case "guild:deleted":
      return has(Intents.Guilds) ? [{ name: Events.GuildDelete, data: { id: guild.id } }] : [];
    case "role:created":
    case "role:updated": {
      if (!has(Intents.Guilds)) return [];
      const role = renderRole(event.role);
      const name = event.type === "role:created" ? Events.GuildRoleCreate : Events.GuildRoleUpdate;
      return [{ name, data: { guild_id: guild.id, role }, checks: [{ schema: "GuildRoleResponse", value: role }] }];
    }
    case "role:deleted":
      return has(Intents.Guilds)
        ? [{ name: Events.GuildRoleDelete, data: { guild_id: guild.id, role_id: event.role.id } }]
        : [];
    case "member:added":
    case "member:updated": {
      // A bot hears of its own member even without the privileged intent.
      const isOwn = event.type === "member:updated" && event.member.userId === botId;
      if (!has(Intents.GuildMembers) && !isOwn) return [];
      const member = renderMember(state, event.member);
      const name = event.type === "member:added" ? Events.GuildMemberAdd : Events.GuildMemberUpdate;
      return [
        { name, data: { guild_id: guild.id, ...member }, checks: [{ schema: "GuildMemberResponse", value: member }] },
      ];
    }
    case "member:removed": {
      if (!has(Intents.GuildMembers)) return [];
      const user = renderUser(getUser(state, event.member.userId));
      return [{ name: Events.GuildMemberRemove, data: { guild_id: guild.id, user } }];
    }
    case "channel:created":
    case "channel:updated":
    case "channel:deleted": {
      // Channels are told of whether or not the bot may look into them; only their threads and messages are hidden.
      if (!has(Intents.Guilds)) return [];
      const names = {
        "channel:created": Events.ChannelCreate,
        "channel:updated": Events.ChannelUpdate,
        "channel:deleted": Events.ChannelDelete,
      };
      const data = renderChannel(event.channel);
      return [{ name: names[event.type], data, checks: [{ schema: "GuildChannelResponse", value: data }] }];
    }
    case "thread:created":
    case "thread:updated":
    case "thread:deleted":
    case "thread:members":
      return has(Intents.Guilds) ? threadDispatches(context, intents, event) : [];
    case "message:created":
    case "message:updated":
    case "message:deleted":
    case "messages:deleted":
      return has(Intents.GuildMessages) ? messageDispatches(context, intents, event) : [];
    default:
      return event satisfies never;
  }
}

type ThreadEvent = Extract<WorldEvent, { type: `thread:${string}` }>;

function threadDispatches(context: RenderContext, intents: number, event: ThreadEvent): Dispatch[] {
  const { state } = context;
  const botId = state.bot.id;
  const { guild, channel } = event;
  const thread = renderThread(channel, botId);
  const checks = [{ schema: "ThreadResponse", value: thread }];
  if (event.type === "thread:members") {
    const concernsBot = event.added.includes(botId) || event.removed.includes(botId);
    // Being taken out of a private thread hides it, and is still told.
    if (!concernsBot && !canView(guild, channel, botId)) return [];
    if (!concernsBot && !(intents & Intents.GuildMembers)) return [];
    const added = event.added.map((userId) =>
      renderThreadMember(channel, userId, channel.thread?.members.get(userId) ?? 0),
    );
    const members = {
      id: channel.id,
      guild_id: guild.id,
      member_count: channel.thread?.members.size ?? 0,
      ...(added.length > 0 ? { added_members: added } : {}),
      ...(event.removed.length > 0 ? { removed_member_ids: [...event.removed] } : {}),
    };
    const joined = event.added.includes(botId) ? [{ name: Events.ThreadCreate, data: thread, checks }] : [];
    return [...joined, { name: Events.ThreadMembersUpdate, data: members }];
  }
  if (!canView(guild, channel, botId)) return [];
  switch (event.type) {
    case "thread:created":
      return [{ name: Events.ThreadCreate, data: { ...thread, newly_created: true }, checks }];
    case "thread:updated":
      return [{ name: Events.ThreadUpdate, data: thread, checks }];
    case "thread:deleted": {
      const data = { id: channel.id, guild_id: guild.id, parent_id: channel.parentId, type: channel.type };
      return [{ name: Events.ThreadDelete, data }];
    }
    default:
      return event satisfies never;
  }
}

type MessageEvent = Extract<WorldEvent, { type: `message:${string}` | `messages:${string}` }>;

function messageDispatches(context: RenderContext, intents: number, event: MessageEvent): Dispatch[] {
  const { guild, channel } = event;
  if (!canView(guild, channel, context.state.bot.id)) return [];
  const place = { channel_id: channel.id, guild_id: guild.id };
  if (event.type === "messages:deleted") {
    return [{ name: Events.MessageDeleteBulk, data: { ids: event.messages.map(({ id }) => id), ...place } }];
  }
  if (event.message.ephemeralFor) return [];
  if (event.type === "message:deleted")
    return [{ name: Events.MessageDelete, data: { id: event.message.id, ...place } }];
  const message = messagePayload(context, intents, event.message);
  const member = guild.members.get(event.message.authorId);
  const data = {
    ...message,
    guild_id: guild.id,
    ...(member && !event.message.origin ? { member: renderBareMember(member) } : {}),
  };
  const name = event.type === "message:created" ? Events.MessageCreate : Events.MessageUpdate;
  return [{ name, data: data as unknown as ApiObject, checks: [{ schema: "MessageResponse", value: message }] }];
}

function messagePayload(context: RenderContext, intents: number, message: Message) {
  const shown = renderMessage(context, message);
  return intents & Intents.MessageContent ? shown : withoutContent(shown, context.state.bot.id);
}

/** GUILD_CREATE: the guild with its channels, the threads the bot can see, and its members. */
export function guildCreate(context: RenderContext, intents: number, guild: Guild): Dispatch {
  const { state } = context;
  const botId = state.bot.id;
  const own = guild.members.get(botId);
  // Without presences Discord sends the bot's own member only.
  const shown = intents & Intents.GuildPresences ? [...guild.members.values()] : own ? [own] : [];
  const all = [...guild.channels.values()];
  const rendered = renderGuild(guild);
  const members = shown.map((member) => renderMember(state, member));
  const channels = all.filter(({ thread }) => !thread).map(renderChannel);
  const threads = all
    .filter((channel) => channel.thread && !channel.thread.archived && canView(guild, channel, botId))
    .map((channel) => renderThread(channel, botId));
  return {
    name: Events.GuildCreate,
    data: {
      ...rendered,
      joined_at: new Date(own?.joinedAt ?? 0).toISOString(),
      large: false,
      unavailable: false,
      member_count: guild.members.size,
      members,
      channels,
      threads,
      voice_states: [],
      presences: [],
      stage_instances: [],
      guild_scheduled_events: [],
      soundboard_sounds: [],
    },
    checks: [
      { schema: "GuildResponse", value: rendered },
      { schema: "GuildMemberResponse[]", value: members },
      { schema: "GuildChannelResponse[]", value: channels },
      { schema: "ThreadResponse[]", value: threads },
    ],
  };
}

/** THREAD_LIST_SYNC: sent for channels that came into the bot's sight. */
export function threadListSync(context: RenderContext, guild: Guild, channels: readonly Channel[]): Dispatch {
  const botId = context.state.bot.id;
  const ids = channels.map(({ id }) => id);
  const threads = [...guild.channels.values()].filter(
    (channel) =>
      channel.thread &&
      !channel.thread.archived &&
      ids.includes(channel.parentId ?? "") &&
      canView(guild, channel, botId),
  );
  const members = threads.flatMap((thread) => {
    const joinedAt = thread.thread?.members.get(botId);
    return joinedAt === undefined ? [] : [renderThreadMember(thread, botId, joinedAt)];
  });
  const data = {
    guild_id: guild.id,
    channel_ids: ids,
    threads: threads.map((thread) => renderThread(thread, botId)),
    members,
  };
  return { name: Events.ThreadListSync, data };
}

/** Channels that can have threads and that the bot sees. */
export function visibleThreadedChannels(context: RenderContext, guild: Guild): Channel[] {
  const types: readonly ChannelType[] = [ChannelType.GuildText, ChannelType.GuildAnnouncement, ChannelType.GuildForum];
  return [...guild.channels.values()].filter(
    (channel) => types.includes(channel.type) && canView(guild, channel, context.state.bot.id),
  );
}
