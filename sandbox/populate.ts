// Fills the stand-in's world with a community: the demo's own written one, or one read from an export.

import { ChannelType, PermissionFlagsBits } from "discord-api-types/v10";
import type { ExportEntry } from "../src/importing/exports.ts";
import type { ArchivedRecord } from "../src/ports/records.ts";
import { compareSnowflakes, type Snowflake } from "../src/snowflake.ts";
import { DEFAULT_PERMISSIONS } from "./guilds.ts";
import type { WrittenHistory, WrittenMessage, WrittenNote, WrittenQuery } from "./history/read.ts";
import type { HistoricMessage } from "./messages.ts";
import type { World } from "./world.ts";

/** Who and what the demo plays with. */
export interface Community {
  readonly guildId: Snowflake;
  readonly guildName: string;
  /** Runs the backfill. */
  readonly adminId: Snowflake;
  /** Searches. */
  readonly memberId: Snowflake;
  /** Where reports go. */
  readonly adminChannelId: Snowflake;
  /** Where the member types. */
  readonly lobbyId: Snowflake;
  readonly messages: number;
  readonly notes: readonly WrittenNote[];
  readonly queries: readonly Pick<WrittenQuery, "text" | "expects" | "relevantIds">[];
}

const BOT_PERMISSIONS = DEFAULT_PERMISSIONS | PermissionFlagsBits.ManageThreads | PermissionFlagsBits.ManageMessages;

function hiddenFrom(guildId: Snowflake, shownTo: readonly Snowflake[]) {
  const overwrite = { allow: PermissionFlagsBits.ViewChannel };
  return [{ id: guildId, deny: PermissionFlagsBits.ViewChannel }, ...shownTo.map((id) => ({ id, ...overwrite }))];
}

/** The written community, as the stand-in's guild. */
export function populateWritten(world: World, history: WrittenHistory): Community {
  const { guild } = history;
  const [founder] = history.members;
  if (founder === undefined) throw new Error("the written history has no members");
  for (const { id, name, bot } of history.members) world.addUser({ id, username: name, ...(bot && { bot }) });
  world.addGuild({ id: guild.id, name: guild.name, ownerId: founder.id, botPermissions: BOT_PERMISSIONS });
  for (const role of history.roles) world.addRole(guild.id, role);
  world.updateMember(guild.id, founder.id, { roleIds: founder.roles });
  for (const { id, roles } of history.members) {
    if (id !== founder.id) world.addMember(guild.id, { userId: id, roleIds: roles });
  }
  for (const channel of history.channels) {
    world.addChannel({
      guildId: guild.id,
      id: channel.id,
      name: channel.name,
      topic: channel.topic,
      type: channel.type === "announcement" ? ChannelType.GuildAnnouncement : ChannelType.GuildText,
      ...(channel.private && { overwrites: hiddenFrom(guild.id, [...channel.private.roles, world.bot.id]) }),
    });
  }
  const adminChannelId = addAdminChannel(world, guild.id);
  for (const { id, name, parentId, private: isPrivate, members } of history.threads) {
    const memberIds = isPrivate ? [...members, world.bot.id] : members;
    world.addThread({ id, name, parentId, memberIds, ...(isPrivate && { private: true }) });
  }
  loadInOrder(world, history.messages);
  const newcomer = history.members.find(({ bot, roles: held }) => !bot && held.length === 1) ?? founder;
  const lobby = history.channels.find(({ name }) => name === "general") ?? history.channels[0];
  return {
    guildId: guild.id,
    guildName: guild.name,
    adminId: founder.id,
    memberId: newcomer.id,
    adminChannelId,
    lobbyId: lobby?.id ?? adminChannelId,
    messages: history.messages.length,
    notes: history.notes,
    queries: history.queries.filter(({ demo }) => demo),
  };
}

/** Polls and forwards go in one by one, all others in bulk; the order is kept. */
function loadInOrder(world: World, messages: readonly WrittenMessage[]): void {
  const idByContent = new Map<string, Snowflake>();
  let plain: HistoricMessage[] = [];
  const flush = () => {
    world.loadMessages(plain);
    plain = [];
  };
  for (const { poll, forwarded, replyToId, attachments, ...message } of messages) {
    const files = attachments?.map(({ name, alt, contentType }) => ({
      filename: name,
      ...(alt && { description: alt }),
      ...(contentType && { contentType }),
    }));
    const common = { ...message, ...(replyToId && { replyTo: replyToId }), ...(files && { attachments: files }) };
    const original = forwarded === undefined ? undefined : idByContent.get(forwarded);
    if (poll === undefined && forwarded === undefined) plain.push(common);
    else {
      flush();
      const content = forwarded !== undefined && original === undefined ? forwarded : message.content;
      world.postMessage({ ...common, content, ...(poll && { poll }), ...(original && { forward: original }) });
    }
    if (message.content !== "") idByContent.set(message.content, message.id);
  }
  flush();
}

function addAdminChannel(world: World, guildId: Snowflake): Snowflake {
  const overwrites = hiddenFrom(guildId, [world.bot.id]);
  return world.addChannel({
    guildId,
    name: "backscroll-admin",
    topic:
      "Where the bot reports. Type /backfill analyze to see what is there, /backfill start to make it searchable, /search to find it.",
    overwrites,
  }).id;
}

/**
 * A community read from an export: everyone may read everything, as nothing is known of its roles.
 * @param onProblem called for each line that cannot be used
 */
export async function populateExported(
  world: World,
  guild: { readonly id: Snowflake; readonly name: string },
  entries: AsyncIterable<ExportEntry>,
  onProblem: (line: number, problem: string) => void,
): Promise<Community> {
  const guildId = guild.id;
  const admin = world.addUser({ username: "admin" });
  const member = world.addUser({ username: "member" });
  world.addGuild({ id: guildId, name: guild.name, ownerId: admin.id, botPermissions: BOT_PERMISSIONS });
  world.addMember(guildId, { userId: member.id });
  const lobbyId = world.addChannel({ guildId, name: "lobby" }).id;
  const adminChannelId = addAdminChannel(world, guildId);

  const channels = new Set<Snowflake>();
  const users = new Set<Snowflake>();
  const historic: HistoricMessage[] = [];
  const askable: ArchivedRecord[] = [];
  for await (const entry of entries) {
    if ("problem" in entry) onProblem(entry.line, entry.problem);
    if (!("record" in entry)) continue;
    const { record, channel, parent } = entry;
    for (const each of parent === undefined ? [channel] : [parent, channel]) {
      if (channels.has(each.id)) continue;
      channels.add(each.id);
      const { id, name, parentId } = each;
      if (parentId === undefined) world.addChannel({ guildId, id, name });
      else world.addThread({ id, parentId, name });
    }
    if (!users.has(record.authorId)) {
      users.add(record.authorId);
      world.addUser({ id: record.authorId, username: record.authorName, ...(record.bot && { bot: true }) });
      world.addMember(guildId, { userId: record.authorId });
    }
    if (isAskable(record)) askable.push(record);
    historic.push(toHistoric(record));
  }
  world.loadMessages(historic.sort((a, b) => compareSnowflakes(a.id, b.id)));
  return {
    guildId,
    guildName: guild.name,
    adminId: admin.id,
    memberId: member.id,
    adminChannelId,
    lobbyId,
    messages: historic.length,
    notes: [],
    queries: [0.1, 0.5, 0.9].flatMap((share) => toQuery(askable[Math.floor(askable.length * share)])),
  };
}

function toHistoric(record: ArchivedRecord): HistoricMessage {
  const { id, channelId, authorId, content, replyToId, editedAt, attachments, embeds } = record;
  return {
    id,
    channelId,
    authorId,
    content,
    ...(replyToId && { replyTo: replyToId }),
    ...(editedAt && { editedAt }),
    ...(attachments && {
      attachments: attachments.map(({ name, alt, contentType }) => ({
        filename: name,
        ...(alt && { description: alt }),
        ...(contentType && { contentType }),
      })),
    }),
    ...(embeds && { embeds: embeds.map((description) => ({ description: description.slice(0, 4_096) })) }),
  };
}

/** A message with enough words of its own to be looked for. */
function isAskable({ content }: ArchivedRecord): boolean {
  return content.length > 80 && content.length < 300 && !content.includes("http") && content.endsWith("?");
}

function toQuery(record: ArchivedRecord | undefined) {
  if (record === undefined) return [];
  const text = record.content
    .replace(/<[^>]*>|\s+/g, " ")
    .trim()
    .slice(0, 200);
  return [{ text, expects: "what was said about it", relevantIds: [record.id] }];
}
