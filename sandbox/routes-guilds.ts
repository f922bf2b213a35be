// REST: guilds, their channels, members, roles and threads.

import { ChannelType, PermissionFlagsBits } from "discord-api-types/v10";
import { compareSnowflakes } from "../src/snowflake.ts";
import { errors } from "./discord-error.ts";
import type { Channel } from "./model.ts";
import { canView } from "./permissions.ts";
import {
  type ApiObject,
  renderAnyChannel,
  renderChannel,
  renderGuild,
  renderMember,
  renderRole,
  renderThread,
  renderThreadMember,
} from "./render-guild.ts";
import {
  knownGuild,
  type Place,
  queryNumber,
  type RestAnswer,
  type RestRequest,
  type Route,
  requirePermission,
  visiblePlace,
} from "./routes.ts";
import { getUser, type State } from "./state.ts";

export function createGuildRoutes(state: State): Route[] {
  const guildOf = (request: RestRequest) => knownGuild(state, request.param("guild_id"));

  function listMembers(request: RestRequest): RestAnswer {
    // Listing all members takes the privileged intent; single ones do not.
    if (!state.privilegedIntents.guildMembers) throw errors.missingAccess();
    const limit = queryNumber(request, "limit", 1, 1, 1000);
    const after = request.query.get("after") ?? "0";
    const members = [...guildOf(request).members.values()]
      .filter(({ userId }) => compareSnowflakes(userId, after) > 0)
      .sort((a, b) => compareSnowflakes(a.userId, b.userId));
    return { status: 200, body: members.slice(0, limit).map((member) => renderMember(state, member)) };
  }

  function searchMembers(request: RestRequest): RestAnswer {
    const limit = queryNumber(request, "limit", 1, 1, 1000);
    const query = (request.query.get("query") ?? "").toLowerCase();
    if (query.length < 1 || query.length > 100) throw errors.invalidQuery("query", 1, 100);
    const found = [...guildOf(request).members.values()].filter(({ userId, nick }) => {
      const { username, globalName } = getUser(state, userId);
      return [username, globalName, nick].some((name) => name?.toLowerCase().startsWith(query));
    });
    return { status: 200, body: found.slice(0, limit).map((member) => renderMember(state, member)) };
  }

  return [
    {
      method: "GET",
      path: "/guilds/{guild_id}",
      handle: (request) => ({ status: 200, body: renderGuild(guildOf(request)) }),
    },
    {
      method: "GET",
      path: "/guilds/{guild_id}/channels",
      handle: (request) => {
        const channels = [...guildOf(request).channels.values()].filter(({ thread }) => !thread);
        return { status: 200, body: channels.map(renderChannel) };
      },
    },
    { method: "GET", path: "/guilds/{guild_id}/members", handle: listMembers },
    { method: "GET", path: "/guilds/{guild_id}/members/search", handle: searchMembers },
    {
      method: "GET",
      path: "/guilds/{guild_id}/members/{user_id}",
      handle: (request) => {
        const userId = request.param("user_id");
        const member = guildOf(request).members.get(userId);
        if (!member) throw state.users.has(userId) ? errors.unknownMember() : errors.unknownUser();
        return { status: 200, body: renderMember(state, member) };
      },
    },
    {
      method: "GET",
      path: "/guilds/{guild_id}/roles",
      handle: (request) => ({ status: 200, body: [...guildOf(request).roles.values()].map(renderRole) }),
    },
    {
      method: "GET",
      path: "/guilds/{guild_id}/roles/{role_id}",
      handle: (request) => {
        const role = guildOf(request).roles.get(request.param("role_id"));
        if (!role) throw errors.unknownRole();
        return { status: 200, body: renderRole(role) };
      },
    },
    {
      method: "GET",
      path: "/channels/{channel_id}",
      handle: (request) => {
        const { channel } = visiblePlace(state, request.param("channel_id"));
        return { status: 200, body: renderAnyChannel(channel, state.bot.id) };
      },
    },
    ...threadRoutes(state),
  ];
}

function threadRoutes(state: State): Route[] {
  const threadsOf = ({ guild, channel }: Place) =>
    [...guild.channels.values()].filter(({ thread, parentId }) => thread && parentId === channel.id);

  function answer(threads: readonly Channel[], hasMore: boolean): RestAnswer {
    const body: ApiObject = {
      threads: threads.map((thread) => renderThread(thread, state.bot.id)),
      members: threads.flatMap((channel) => {
        const joinedAt = channel.thread?.members.get(state.bot.id);
        return joinedAt === undefined ? [] : [renderThreadMember(channel, state.bot.id, joinedAt)];
      }),
      has_more: hasMore,
    };
    return { status: 200, body };
  }

  /** Archived threads, last archived first; `before` is a time, or a thread's id where `orderedById`. */
  function archived(place: Place, request: RestRequest, isPrivate: boolean, orderedById: boolean): RestAnswer {
    requirePermission(state, place, PermissionFlagsBits.ReadMessageHistory);
    const limit = queryNumber(request, "limit", 50, 2, 100);
    const before = request.query.get("before");
    const archivedAt = ({ thread }: Channel) => thread?.archivedAt ?? 0;
    const threads = threadsOf(place)
      .filter(({ thread, type }) => thread?.archived && (type === ChannelType.PrivateThread) === isPrivate)
      .filter((channel) => !orderedById || channel.thread?.members.has(state.bot.id))
      .filter((channel) => {
        if (!before) return true;
        return orderedById ? compareSnowflakes(channel.id, before) < 0 : archivedAt(channel) < Date.parse(before);
      })
      .sort((a, b) => (orderedById ? compareSnowflakes(b.id, a.id) : archivedAt(b) - archivedAt(a)));
    return answer(threads.slice(0, limit), threads.length > limit);
  }

  function joinedThread(request: RestRequest) {
    const { guild, channel } = visiblePlace(state, request.param("channel_id"));
    if (!channel.thread) throw errors.notAThread();
    return { guild, channel, members: channel.thread.members };
  }

  const place = (request: RestRequest) => visiblePlace(state, request.param("channel_id"));
  return [
    {
      method: "GET",
      path: "/guilds/{guild_id}/threads/active",
      handle: (request) => {
        const guild = knownGuild(state, request.param("guild_id"));
        const isActive = (channel: Channel) =>
          channel.thread && !channel.thread.archived && canView(guild, channel, state.bot.id);
        return answer([...guild.channels.values()].filter(isActive), false);
      },
    },
    {
      method: "GET",
      path: "/channels/{channel_id}/threads/archived/public",
      handle: (request) => archived(place(request), request, false, false),
    },
    {
      method: "GET",
      path: "/channels/{channel_id}/threads/archived/private",
      handle: (request) => {
        const found = place(request);
        requirePermission(state, found, PermissionFlagsBits.ManageThreads);
        return archived(found, request, true, false);
      },
    },
    {
      method: "GET",
      path: "/channels/{channel_id}/users/@me/threads/archived/private",
      handle: (request) => archived(place(request), request, true, true),
    },
    {
      method: "GET",
      path: "/channels/{channel_id}/thread-members",
      handle: (request) => {
        if (!state.privilegedIntents.guildMembers) throw errors.missingAccess();
        const { guild, channel, members } = joinedThread(request);
        const withMember = request.query.get("with_member") === "true";
        const limit = queryNumber(
          request,
          "limit",
          withMember ? 100 : members.size,
          1,
          withMember ? 100 : Number.MAX_SAFE_INTEGER,
        );
        const after = request.query.get("after") ?? "0";
        const rows = [...members]
          .filter(([userId]) => !withMember || compareSnowflakes(userId, after) > 0)
          .sort(([a], [b]) => compareSnowflakes(a, b))
          .slice(0, limit);
        const body = rows.map(([userId, joinedAt]) => {
          const member = withMember ? guild.members.get(userId) : undefined;
          return {
            ...renderThreadMember(channel, userId, joinedAt),
            ...(member ? { member: renderMember(state, member) } : {}),
          };
        });
        return { status: 200, body };
      },
    },
    {
      method: "GET",
      path: "/channels/{channel_id}/thread-members/{user_id}",
      handle: (request) => {
        const { channel, members } = joinedThread(request);
        const given = request.param("user_id");
        const userId = given === "@me" ? state.bot.id : given;
        const joinedAt = members.get(userId);
        if (joinedAt === undefined) throw errors.unknownMember();
        return { status: 200, body: renderThreadMember(channel, userId, joinedAt) };
      },
    },
  ];
}
