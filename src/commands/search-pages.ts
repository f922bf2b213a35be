// Pages of results, for /search and "Find similar": who may see what is asked afresh for every page.

import { toError, UserError } from "../errors.ts";
import type { SearchFilter } from "../ports.ts";
import type { SearchResult } from "../search/search.ts";
import type { Snowflake } from "../snowflake.ts";
import { resultsPerPage, searchResultsView } from "../views/search-results.ts";
import type { ClickInteraction, CommandContext, MenuInteraction, SlashInteraction } from "./command.ts";
import { answer } from "./reply.ts";
import type { Sessions } from "./sessions.ts";

/** One search, as long as its pages can be turned. */
export interface PagedSearch {
  readonly userId: Snowflake;
  /** Everybody in the channel sees the results, so only what all of them can read is among them. */
  readonly shared: boolean;
  readonly title: string;
  /** Mark the query's words in the results. */
  readonly marked: boolean;
  find(readable: SearchFilter, limit: number, offset: number): Promise<SearchResult>;
}

type Asked = SlashInteraction | MenuInteraction | ClickInteraction;

/** Answers a deferred interaction with a page of a search. @param page counted from 0 */
export async function showPage(
  interaction: Asked,
  context: CommandContext,
  { search, sessionId, page }: { search: PagedSearch; sessionId: string; page: number },
): Promise<void> {
  const { guildId } = interaction;
  const { readable, uncheckedThreads } = await readableFor(interaction, context, search.shared);
  const result = await search.find(readable, resultsPerPage, page * resultsPerPage);
  const status = result.hits.length === 0 ? await statusIfKnown(context, guildId) : undefined;
  const { title, marked } = search;
  await answer(
    interaction,
    searchResultsView({ guildId, title, marked, result, page, sessionId, uncheckedThreads, status }),
  );
}

/** A click on one of the page buttons. @throws UserError for anybody but who searched */
export async function turnPage(
  interaction: ClickInteraction,
  context: CommandContext,
  sessions: Sessions<PagedSearch>,
  [sessionId = "", page = "0"]: readonly string[],
): Promise<void> {
  const search = sessions.find(sessionId);
  if (!search) {
    const rows = interaction.message.components.flatMap((row) => ("components" in row ? [row.toJSON()] : []));
    const disabled = rows.map((row) => ({
      ...row,
      components: row.components.map((component) => ({ ...component, disabled: true })),
    }));
    await interaction.update({ components: disabled });
    throw new UserError("This search has been left open too long for its pages to be turned. Please search again.");
  }
  if (interaction.user.id !== search.userId) {
    throw new UserError("Only who searched can turn the pages. Search yourself to see what you can read.");
  }
  await interaction.deferUpdate();
  await showPage(interaction, context, { search, sessionId, page: Math.max(0, Math.trunc(Number(page)) || 0) });
}

async function readableFor(
  interaction: Asked,
  { access }: CommandContext,
  shared: boolean,
): Promise<{ readable: SearchFilter; uncheckedThreads: number }> {
  const { guildId, channelId, user, member } = interaction;
  if (shared) return { readable: await access.filterForSharing(guildId, channelId), uncheckedThreads: 0 };
  const viewer = { userId: user.id, roleIds: [...member.roles.cache.keys()] };
  const { uncheckedThreads, ...readable } = await access.filterFor(guildId, viewer);
  return { readable, uncheckedThreads };
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
