// What whoever asks can read at this moment, or, of an answer that everybody sees, everybody who sees it.

import type { AutocompleteInteraction } from "discord.js";
import { UserError } from "../errors.ts";
import type { Archive } from "../ports/archive.ts";
import type { Viewer } from "../ports/discord.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import type { FoundRow, SearchFilter } from "../ports/vector-index.ts";
import { type AccessFilter, isReadable } from "../search/access.ts";
import type { SearchHit } from "../search/search.ts";
import { isSnowflake, type Snowflake } from "../snowflake.ts";
import type { ShownHit } from "../views/search-results.ts";
import type { ClickInteraction, CommandContext, MenuInteraction, SlashInteraction } from "./command.ts";

type Asked = SlashInteraction | MenuInteraction | ClickInteraction;
type Typing = AutocompleteInteraction<"cached">;

/** With the roles and the timeout that the interaction itself brought along, by Discord's own clock. */
function viewerOf({ user, member, channelId, createdTimestamp }: Asked | Typing): Viewer {
  const isTimedOut = (member.communicationDisabledUntilTimestamp ?? 0) > createdTimestamp;
  return { userId: user.id, roleIds: [...member.roles.cache.keys()], isTimedOut, channelId };
}

/** @param everybody who sees the channel sees the answer */
export async function readableFor(
  interaction: Asked,
  { access }: Pick<CommandContext, "access">,
  everybody: boolean,
): Promise<AccessFilter> {
  const { guildId, channelId } = interaction;
  if (!everybody) return await access.filterFor(guildId, viewerOf(interaction));
  return { ...(await access.filterForSharing(guildId, channelId)), uncheckedThreads: 0, ageRestrictedChannels: 0 };
}

/** What whoever types can read, private threads left out: those would be asked of Discord with each letter. */
export async function readableWhileTyping(
  interaction: Typing,
  { access }: Pick<CommandContext, "access">,
): Promise<AccessFilter> {
  return await access.filterFor(interaction.guildId, viewerOf(interaction), []);
}

/** Whether who asks can read where a record is. @param accessChannelId as stored with the record */
export async function canReadIn(
  interaction: Asked,
  { access }: Pick<CommandContext, "access">,
  accessChannelId: Snowflake,
): Promise<boolean> {
  const { accessChannelIds } = await access.filterFor(interaction.guildId, viewerOf(interaction), [accessChannelId]);
  return accessChannelIds.includes(accessChannelId);
}

/** @throws UserError when there is no such record, or who asks cannot read it, which are not told from each other */
export async function readableRecord(
  interaction: Asked,
  { access, archive }: Pick<CommandContext, "access" | "archive">,
  id: Snowflake,
): Promise<ArchivedRecord> {
  const { guildId } = interaction;
  const record = isSnowflake(id) ? await findRecord(archive, guildId, id) : undefined;
  // A look-up that is made whether or not there is something to look up: an answer's delay tells nothing either.
  const readable = await access.filterFor(guildId, viewerOf(interaction), [record?.accessChannelId ?? id]);
  if (record && isReadable(record, readable)) return record;
  throw new UserError("That message is gone, or you cannot read it.");
}

async function findRecord(archive: Pick<Archive, "get">, guildId: Snowflake, id: Snowflake) {
  const found =
    (await archive.get(guildId, "message", [id])).get(id) ?? (await archive.get(guildId, "note", [id])).get(id);
  return found?.record;
}

/**
 * The hits as the archive has them now: the index may be a moment behind an edit or a deletion, or longer while the embedder is
 * down, and nobody must read there what its author has taken back. A repeat, or else another of the conversation, steps in for what is gone.
 */
export async function asStoredNow(
  archive: Pick<Archive, "get">,
  guildId: Snowflake,
  hits: readonly SearchHit[],
  readable: SearchFilter,
): Promise<ShownHit[]> {
  const rows = hits.flatMap(({ row, repeats, others }) => [row, ...repeats, ...others]);
  const idsOf = (kind: ArchivedRecord["kind"]) => rows.filter((row) => row.kind === kind).map(({ id }) => id);
  const [messages, notes] = await Promise.all([
    archive.get(guildId, "message", idsOf("message")),
    archive.get(guildId, "note", idsOf("note")),
  ]);
  return hits.flatMap((hit) => {
    const stored = (row: FoundRow) => {
      const record = (row.kind === "note" ? notes : messages).get(row.id)?.record;
      return record && isReadable(record, readable) ? [{ row, record }] : [];
    };
    const [same, others] = [[hit.row, ...hit.repeats].flatMap(stored), hit.others.flatMap(stored)];
    const first = same.shift() ?? others.shift();
    if (!first) return [];
    return [
      { ...hit, ...first, repeats: same.map(({ record }) => record), others: others.map(({ record }) => record) },
    ];
  });
}
