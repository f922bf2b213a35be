// Pages of results, for /search, "Find similar" and the report's samples: who may see what is asked afresh for every page.

import { MessageFlags } from "discord.js";
import { toError, UserError } from "../errors.ts";
import type { SearchFilter } from "../ports/vector-index.ts";
import { isReadable } from "../search/access.ts";
import type { SearchResult } from "../search/search.ts";
import type { Snowflake } from "../snowflake.ts";
import { customId } from "../views/message.ts";
import { resultsPerPage, type ShownHit, searchResultsView } from "../views/search-results.ts";
import { asStoredNow, readableFor } from "./access.ts";
import {
  type ClickInteraction,
  type CommandContext,
  type MenuInteraction,
  pageOf,
  type SlashInteraction,
} from "./command.ts";
import { answer } from "./reply.ts";
import type { Sessions } from "./sessions.ts";

/** As many as a search ranks (more only for phrases). */
const LOOKED_THROUGH = 200;
/** Of what is not searchable yet. */
const MARKS_LOOKED_AT = 200;

/** One search, as long as its pages can be turned. */
export interface PagedSearch {
  readonly guildId: Snowflake;
  readonly userId: Snowflake;
  /** Everybody in the channel sees the results, so only what all of them can read is among them. */
  readonly shared: boolean;
  /** Markdown, as a view made it. */
  readonly heading: string;
  /** Mark the query's words in the results. */
  readonly marked: boolean;
  /** A message that should be among the results, and gets a star there. */
  readonly soughtId?: Snowflake;
  /** The same with other words. */
  readonly instead?: (text: string) => PagedSearch;
  find(readable: SearchFilter, limit: number, offset: number): Promise<SearchResult>;
}

type Asked = SlashInteraction | MenuInteraction | ClickInteraction;

/** Answers a deferred interaction with the first page of a search. */
export async function showFirstPage(
  interaction: Asked,
  context: CommandContext,
  sessions: Sessions<PagedSearch>,
  search: PagedSearch,
): Promise<void> {
  await showPage(interaction, context, sessions, { search, sessionId: sessions.open(search), page: 0 });
}

/** @param page counted from 0 */
async function showPage(
  interaction: Asked,
  context: CommandContext,
  sessions: Sessions<PagedSearch>,
  { search, sessionId, page }: { search: PagedSearch; sessionId: string; page: number },
): Promise<void> {
  const { guildId } = interaction;
  const { heading, marked, soughtId, shared } = search;
  const { uncheckedThreads, ageRestrictedChannels, ...readable } = await readableFor(interaction, context, shared);
  const { hits, result } = await findPage(context, search, readable, page * resultsPerPage);
  const { didYouMean } = result;
  const instead = didYouMean === undefined ? undefined : search.instead?.(didYouMean);
  const view = searchResultsView({
    guildId,
    ...(instead && { insteadSessionId: sessions.open(instead) }),
    heading,
    result,
    hits,
    page,
    sessionId,
    shared,
    marked,
    ...(soughtId && { soughtId }),
    hostProblems: context.hostProblems(),
    threadsUnchecked: uncheckedThreads > 0,
    ageRestrictedLeftOut: ageRestrictedChannels > 0,
    status: hits.length === 0 ? await statusIfKnown(context, guildId) : undefined,
    newestArePending: hits.length === 0 && (await isPendingFor(context, guildId, readable)),
  });
  await answer(interaction, view);
}

/** Rows of what has just been deleted, and is still in the index, take nobody's place on a page. */
async function findPage(
  { archive }: CommandContext,
  { guildId, find }: PagedSearch,
  readable: SearchFilter,
  offset: number,
): Promise<{ readonly hits: readonly ShownHit[]; readonly result: SearchResult }> {
  const result = await find(readable, resultsPerPage, offset);
  const hits = await asStoredNow(archive, guildId, result.hits, readable);
  if (hits.length === result.hits.length) return { hits, result };
  const all = await find(readable, LOOKED_THROUGH, 0);
  const left = await asStoredNow(archive, guildId, all.hits, readable);
  const end = offset + resultsPerPage;
  return { hits: left.slice(offset, end), result: { ...all, hasMore: left.length > end } };
}

/** A click on one of the page buttons. @throws UserError for anybody but who searched */
export async function turnPage(
  interaction: ClickInteraction,
  context: CommandContext,
  sessions: Sessions<PagedSearch>,
  [sessionId = "", page]: readonly string[],
): Promise<void> {
  const search = sessions.find(sessionId);
  // What was found for one pair of eyes does not go into a message that more can see.
  const isInItsPlace = search?.shared || interaction.message.flags.has(MessageFlags.Ephemeral);
  if (!search || search.guildId !== interaction.guildId || !isInItsPlace) {
    await interaction.update({ components: withoutPages(interaction) });
    throw new UserError(
      "This search has been left alone for too long, or the bot was restarted meanwhile, so its pages cannot be turned any more. Please search again.",
    );
  }
  if (interaction.user.id !== search.userId) {
    throw new UserError("Only who searched can turn the pages. Search yourself to see what you can read.");
  }
  await interaction.deferUpdate();
  await showPage(interaction, context, sessions, { search, sessionId, page: pageOf(page) });
}

/** The message's buttons, those that turn pages disabled. */
function withoutPages({ message }: ClickInteraction) {
  const rows = message.components.flatMap((row) => ("components" in row ? [row.toJSON()] : []));
  return rows.map((row) => ({
    ...row,
    components: row.components.map((component) =>
      "custom_id" in component && component.custom_id.startsWith(customId("search", "page"))
        ? { ...component, disabled: true }
        : component,
    ),
  }));
}

/** Whether something that can be read here is not searchable yet: of anything else not even that is told. */
async function isPendingFor({ archive, logger }: CommandContext, guildId: Snowflake, readable: SearchFilter) {
  try {
    const marks = await archive.pending(guildId, MARKS_LOOKED_AT);
    for (const kind of ["message", "note"] as const) {
      const ids = marks.filter((mark) => mark.kind === kind).map(({ id }) => id);
      const records = await archive.get(guildId, kind, ids);
      if ([...records.values()].some(({ record }) => isReadable(record, readable))) return true;
    }
  } catch (thrown) {
    logger.warn("search:pending-unknown", { guildId, error: toError(thrown).message });
  }
  return false;
}

/** Only explains an empty result: when it cannot be had, the result is shown without. */
async function statusIfKnown(context: CommandContext, guildId: Snowflake) {
  try {
    return await context.backfill.status(guildId);
  } catch (thrown) {
    context.logger.warn("search:status-unknown", { guildId, error: toError(thrown).message });
    return undefined;
  }
}
