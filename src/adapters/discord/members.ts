// Finds a server's members and roles by name, without the privileged intent that a list of them would need.

import { type APIGuildMember, type Client, Routes } from "discord.js";
import type { Snowflake } from "../../snowflake.ts";
import { translateDiscordError } from "./discord-errors.ts";

/** Names that begin alike are listed too; this many are looked through. Discord's limit is 1,000. */
const LOOKED_THROUGH = 100;
/** No nickname, display name or user name is longer; Discord refuses to look for more than 100 characters. */
const LONGEST_NAME = 32;

/**
 * Ids of the members with exactly this nickname, display name or user name; case does not count.
 * @throws TransientError, UserError
 */
export async function findMembers(client: Client, guildId: Snowflake, name: string): Promise<Snowflake[]> {
  if ([...name].length > LONGEST_NAME) return [];
  const query = new URLSearchParams({ query: name, limit: String(LOOKED_THROUGH) });
  try {
    const members = (await client.rest.get(Routes.guildMembersSearch(guildId), { query })) as APIGuildMember[];
    return members
      .filter(({ nick, user }) => [nick, user.global_name, user.username].some((each) => isSame(each, name)))
      .map(({ user }) => user.id);
  } catch (error) {
    throw translateDiscordError(error, `look for a member called ${name}`);
  }
}

/** Ids of the roles with exactly this name; case does not count. */
export function findRoles(client: Client, guildId: Snowflake, name: string): Snowflake[] {
  const roles = client.guilds.cache.get(guildId)?.roles.cache;
  return roles?.filter((role) => isSame(role.name, name)).map(({ id }) => id) ?? [];
}

function isSame(one: string | null | undefined, other: string): boolean {
  return one?.toLowerCase() === other.toLowerCase();
}
