// Discord's permission arithmetic, as far as reading goes: what a member may do in a channel, and which channels may be shown to
// the readers of another. Pure: works on facts taken from discord.js's cache by guild-facts.ts.
// Source of the algorithm: https://discord.com/developers/docs/topics/permissions#permission-overwrites

import { PermissionFlagsBits as Bit, ChannelType } from "discord-api-types/v10";
import type { Viewer } from "../../ports/discord.ts";
import type { Snowflake } from "../../snowflake.ts";

export interface GuildFacts {
  /** Also the id of the @everyone role. */
  readonly id: Snowflake;
  readonly ownerId: Snowflake;
  readonly rolePermissions: ReadonlyMap<Snowflake, bigint>;
}

export interface Overwrite {
  /** A role's or a member's. */
  readonly id: Snowflake;
  readonly allow: bigint;
  readonly deny: bigint;
}

/** A channel, never a thread: threads have no overwrites and take their parent's. */
export interface ChannelFacts {
  readonly id: Snowflake;
  readonly type: ChannelType;
  readonly ageRestricted: boolean;
  readonly overwrites: readonly Overwrite[];
}

const ALL = Object.values(Bit).reduce((all, bit) => all | bit, 0n);

/** All that a timeout leaves of a member's permissions: https://support.discord.com/hc/en-us/articles/4413305239191 */
const LEFT_BY_TIMEOUT = Bit.ViewChannel | Bit.ReadMessageHistory;

/** What a member may do in a channel. A timeout binds all but the owner and administrators. */
export function memberPermissions(guild: GuildFacts, channel: ChannelFacts, member: Viewer): bigint {
  if (member.userId === guild.ownerId) return ALL;
  // An interaction's list of roles leaves @everyone out.
  const roleIds = new Set([guild.id, ...member.roleIds]);
  let base = 0n;
  for (const roleId of roleIds) base |= guild.rolePermissions.get(roleId) ?? 0n;
  if (base & Bit.Administrator) return ALL;

  const steps = [
    channel.overwrites.filter((overwrite) => overwrite.id === guild.id),
    channel.overwrites.filter((overwrite) => overwrite.id !== guild.id && roleIds.has(overwrite.id)),
    channel.overwrites.filter((overwrite) => overwrite.id === member.userId),
  ];
  const overwritten = steps.reduce((permissions, overwrites) => {
    const deny = overwrites.reduce((bits, overwrite) => bits | overwrite.deny, 0n);
    const allow = overwrites.reduce((bits, overwrite) => bits | overwrite.allow, 0n);
    return (permissions & ~deny) | allow;
  }, base);
  return member.isTimedOut ? overwritten & LEFT_BY_TIMEOUT : overwritten;
}

function isAdministrator(permissions: bigint): boolean {
  return (permissions & Bit.Administrator) !== 0n;
}

/** The names, as Discord shows them, of the permissions that reading a channel's history takes and that are not held. */
export function missingToRead(permissions: bigint, type: ChannelType): string[] {
  return missing(permissions, {
    "View Channel": Bit.ViewChannel,
    "Read Message History": Bit.ReadMessageHistory,
    ...(isVoice(type) && { Connect: Bit.Connect }),
  });
}

export function canRead(permissions: bigint, type: ChannelType): boolean {
  return missingToRead(permissions, type).length === 0;
}

/** The names of those wanted permissions that are not held. */
export function missing(permissions: bigint, wanted: Readonly<Record<string, bigint>>): string[] {
  return Object.entries(wanted)
    .filter(([, bit]) => (permissions & bit) === 0n)
    .map(([name]) => name);
}

/**
 * May what was written in `source` be shown to whoever is in `target`? Decided without a list of members, so it errs towards no:
 * it holds only when, whatever roles exist or are given out, nobody can see `target` who cannot read `source`.
 *
 * 1. Whoever sees `target` sees `source`: it is the same channel, or everyone holds View Channel in `source`, or the overwrites of
 *    View Channel are the same in both: with the same base permissions, the same overwrites let the same people in.
 * 2. Whoever sees `source` holds Read Message History there (and Connect in a voice channel). `target`'s own history permission
 *    says nothing, because who lacks it still sees what is posted while they watch.
 * 3. An age-restricted channel is shown only in an age-restricted one: permissions do not know who is of age.
 * 4. A voice channel's text is shown only in a voice channel: whoever is timed out loses Connect, and with it all text of voice and
 *    stage channels, but still reads the others.
 */
export function isReadableByReadersOf(guild: GuildFacts, source: ChannelFacts, target: ChannelFacts): boolean {
  const isSeen =
    source.id === target.id ||
    isHeldByEveryone(guild, source, Bit.ViewChannel) ||
    haveSameOverwrites(source, target, Bit.ViewChannel);
  return (
    isSeen &&
    isHeldByWhoeverSees(guild, source, Bit.ReadMessageHistory) &&
    (!isVoice(source.type) || (isVoice(target.type) && isHeldByWhoeverSees(guild, source, Bit.Connect))) &&
    (!source.ageRestricted || target.ageRestricted)
  );
}

/** Held by everyone; or, in each step of the arithmetic, given with View Channel and taken only with it. */
function isHeldByWhoeverSees(guild: GuildFacts, channel: ChannelFacts, bit: bigint): boolean {
  if (isHeldByEveryone(guild, channel, bit)) return true;
  const has = (permissions: bigint, wanted: bigint) => (permissions & wanted) !== 0n;
  return (
    [...guild.rolePermissions.values()].every(
      (role) => isAdministrator(role) || !has(role, Bit.ViewChannel) || has(role, bit),
    ) &&
    channel.overwrites.every(
      ({ allow, deny }) =>
        (!has(allow, Bit.ViewChannel) || has(allow, bit)) && (!has(deny, bit) || has(deny, Bit.ViewChannel)),
    )
  );
}

/** Given to @everyone, and denied to no role or member. */
export function isHeldByEveryone(guild: GuildFacts, channel: ChannelFacts, bit: bigint): boolean {
  const everyone = channel.overwrites.find((overwrite) => overwrite.id === guild.id);
  const base = guild.rolePermissions.get(guild.id) ?? 0n;
  const given = (base & ~(everyone?.deny ?? 0n)) | (everyone?.allow ?? 0n);
  return (
    (given & bit) !== 0n &&
    channel.overwrites.every((overwrite) => overwrite.id === guild.id || (overwrite.deny & bit) === 0n)
  );
}

function haveSameOverwrites(one: ChannelFacts, other: ChannelFacts, bit: bigint): boolean {
  const spell = (channel: ChannelFacts) =>
    channel.overwrites
      .filter((overwrite) => ((overwrite.allow | overwrite.deny) & bit) !== 0n)
      .map((overwrite) => `${overwrite.id} ${overwrite.allow & bit} ${overwrite.deny & bit}`)
      .sort()
      .join();
  return spell(one) === spell(other);
}

function isVoice(type: ChannelType): boolean {
  return type === ChannelType.GuildVoice || type === ChannelType.GuildStageVoice;
}
