// The answer to "request guild members", which discord.js uses to fetch a guild's members.
// Source: https://discord.com/developers/docs/events/gateway-events#request-guild-members

import { GatewayDispatchEvents } from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import type { Dispatch } from "./dispatch.ts";
import { renderMember } from "./render-guild.ts";
import { getUser, type State } from "./state.ts";

const CHUNK_SIZE = 1000;

export interface MembersRequest {
  readonly guild_id: Snowflake;
  readonly query?: string;
  readonly limit?: number;
  readonly user_ids?: Snowflake | readonly Snowflake[];
  readonly nonce?: string;
}

/** Chunks of at most 1,000 members; none when the guild is unknown, or when all are asked for without the intent. */
export function membersChunk(state: State, request: MembersRequest): Dispatch[] {
  const guild = state.guilds.get(request.guild_id);
  const asksForAll = request.query === "" && !request.limit;
  if (!guild || (asksForAll && !state.privilegedIntents.guildMembers)) return [];
  const wanted = request.user_ids === undefined ? undefined : [request.user_ids].flat();
  const prefix = (request.query ?? "").toLowerCase();
  const members = [...guild.members.values()].filter(({ userId, nick }) => {
    if (wanted) return wanted.includes(userId);
    const { username, globalName } = getUser(state, userId);
    return [username, globalName, nick].some((name) => name?.toLowerCase().startsWith(prefix));
  });
  const shown = request.limit ? members.slice(0, request.limit) : members;
  const count = Math.max(1, Math.ceil(shown.length / CHUNK_SIZE));
  return Array.from({ length: count }, (_, index) => ({
    name: GatewayDispatchEvents.GuildMembersChunk,
    data: {
      guild_id: guild.id,
      members: shown.slice(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE).map((member) => renderMember(state, member)),
      chunk_index: index,
      chunk_count: count,
      not_found: wanted?.filter((id) => !guild.members.has(id)) ?? [],
      ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
    },
  }));
}
