// A page of search results. Pure. Why there are none is told by no-results.ts.

import type { APIEmbedField } from "discord-api-types/v10";
import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import type { HostProblem } from "../ports/discord.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import { operators } from "../search/operators.ts";
import type { SearchHit, SearchResult } from "../search/search.ts";
import type { RecordText } from "../search/shown-text.ts";
import { type Snowflake, snowflakeTime } from "../snowflake.ts";
import { hostProblemText } from "./host-problems.ts";
import { button, card, colors, customId, type View } from "./message.ts";
import { reasonsForNothing } from "./no-results.ts";
import { recordBlocks, recordMarkdown, textMarkdown } from "./record-text.ts";
import { ago, clip, count, isolate, jumpLink, moment, plain } from "./words.ts";

export const resultsPerPage = 5;

const HEADING_ROOM = 200;
/** Five of these fit into a card, with all that stands around them. */
const SNIPPET_ROOM = 400;
const SNIPPET_LINES = 12;
const LINKED = 2;

/** A hit with its record as it is stored at this moment. */
export interface ShownHit extends Omit<SearchHit, "repeats" | "others"> {
  readonly record: ArchivedRecord;
  /** Other records that say the same. */
  readonly repeats: readonly ArchivedRecord[];
  /** Further hits of the same conversation. */
  readonly others: readonly ArchivedRecord[];
}

export interface ResultsPage {
  readonly guildId: Snowflake;
  /** What was searched for: one of the headings below. */
  readonly heading: string;
  readonly result: Omit<SearchResult, "hits">;
  readonly hits: readonly ShownHit[];
  /** Counted from 0. */
  readonly page: number;
  /** For the page buttons. */
  readonly sessionId: string;
  /** The search for what may have been meant. */
  readonly insteadSessionId?: string;
  /** Everybody in the channel sees the page. */
  readonly shared: boolean;
  /** Mark the query's words. */
  readonly marked: boolean;
  /** A message that is looked for and gets a star. */
  readonly soughtId?: Snowflake;
  /** Those that keep messages from being found are told of. */
  readonly hostProblems?: readonly HostProblem[];
  /** Some private threads could not be checked and were left out. */
  readonly threadsUnchecked: boolean;
  /** There are age-restricted channels to look into for who asks in one of them. */
  readonly ageRestrictedLeftOut: boolean;
  /** For the explanation of an empty result; undefined when not known. */
  readonly status: BackfillStatus | undefined;
  /** Something that can be read here is not searchable yet. */
  readonly newestArePending: boolean;
}

export function searchResultsView(shown: ResultsPage): View {
  const { result, hits, page, sessionId, insteadSessionId } = shown;
  const first = page * resultsPerPage + 1;
  const order = result.query.text === "" ? " · newest first" : "";
  return card({
    color: hits.length > 0 ? colors.neutral : colors.quiet,
    description: [
      `🔎 ${shown.heading}`,
      ...notices(shown),
      ...(hits.length === 0 ? reasonsForNothing(shown) : []),
    ].join("\n"),
    fields: hits.map((hit, at) => hitField(hit, first + at, shown)),
    ...(hits.length > 0 && {
      footer: { text: `Results ${first} to ${first + hits.length - 1}${order} · 🔍 shows a result in its context` },
    }),
    buttons: hits.map(({ record }, at) => button(`🔍 ${first + at}`, customId("search", "around", record.id))),
    moreButtons: [
      insteadSessionId === undefined || result.didYouMean === undefined
        ? []
        : [
            button(
              clip(`Search for ${result.didYouMean}`, 80),
              customId("search", "page", insteadSessionId, "0"),
              "primary",
            ),
          ],
      page === 0 && !result.hasMore
        ? []
        : [
            button("Previous", customId("search", "page", sessionId, String(page - 1)), "secondary", page === 0),
            button("Next", customId("search", "page", sessionId, String(page + 1)), "primary", !result.hasMore),
          ],
    ],
  });
}

/**
 * @param options that were set beside the query, as operators
 * @param preferNewer is told behind, where the longest query leaves it its room
 */
export function queryHeading(typed: string, options: readonly string[], preferNewer = false): string {
  // On one line: a line of its own could be a heading, in an answer that everybody sees.
  const text = [typed.replace(/\s+/g, " ").trim(), ...options].filter(Boolean).join(" ");
  const heading = textMarkdown({ text, hidden: [] }, { room: HEADING_ROOM }) || "Everything, newest first";
  return preferNewer ? `${heading} · newer messages preferred` : heading;
}

export function similarHeading(record: RecordText): string {
  return `Like “${recordMarkdown(record, { room: HEADING_ROOM })}”`;
}

export function sampleHeading(record: RecordText): string {
  return `An old message: “${recordMarkdown(record, { room: HEADING_ROOM })}”`;
}

function hitField({ row, record, repeats, others }: ShownHit, position: number, shown: ResultsPage): APIEmbedField {
  const { guildId, soughtId, marked, result } = shown;
  const star = record.id === soughtId ? "⭐ " : "";
  const way = wayThere(record, guildId);
  // A link to a message is shown with its channel's name: it is named once.
  const place = way.length > 0 ? "" : `<#${record.channelId}> · `;
  const where = `${place}${ago(snowflakeTime(record.id))}`;
  // Of a long record, the part that was found.
  const near = row.text.replace(/\s+/g, " ").slice(0, 30);
  const query = marked ? result.query.text : "";
  const text = recordBlocks(record, { room: SNIPPET_ROOM, lines: SNIPPET_LINES, query, near, sign: "> " });
  const lines = [where, text || "> *(no text)*"];
  if (repeats.length > 0) {
    const more = count(repeats.length, "more that says the same", "more that say the same");
    lines.push(`*and ${more}:* ${linksTo(repeats, guildId)}`);
  }
  if (others.length > 0) {
    lines.push(`*and ${others.length} more here:* ${linksTo(others, guildId, repeats.length > 0 ? 1 : undefined)}`);
  }
  return { name: `${star}${position}. ${by(record)}`, value: [...lines, ...way].join("\n") };
}

function linksTo(records: readonly ArchivedRecord[], guildId: Snowflake, most = LINKED): string {
  const links = records.slice(0, most).map(({ id, channelId, kind }) => {
    const when = ago(snowflakeTime(id));
    return kind === "message" ? `${when} [↗](${jumpLink(guildId, channelId, id)})` : when;
  });
  return `${links.join(", ")}${records.length > links.length ? " …" : ""}`;
}

/** A record's author, and what it is when it is no message. */
export function by(record: Pick<ArchivedRecord, "kind" | "visibility" | "authorName">): string {
  const author = isolate(plain(clip(record.authorName, 60))) || "somebody";
  if (record.kind === "message") return author;
  return record.visibility === "channel" ? `📝 note of ${author}` : `📝 private note of ${author}`;
}

/** Where a message is, or the message a note was saved from. Nothing can be opened for other notes. */
export function wayThere({ kind, id, channelId, sourceMessageId }: ArchivedRecord, guildId: Snowflake): string[] {
  if (kind === "message") return [jumpLink(guildId, channelId, id)];
  return sourceMessageId ? [`saved from ${jumpLink(guildId, channelId, sourceMessageId)}`] : [];
}

function notices({ result, page, hits, soughtId, threadsUnchecked, hostProblems = [] }: ResultsPage): string[] {
  const lacking = hostProblems.filter(({ kind }) => kind === "intent-lacking");
  const lines: string[] = lacking.length > 0 ? [hostProblemText(lacking)] : [];
  const { afterId, beforeId } = result.filter;
  if (afterId !== undefined || beforeId !== undefined) {
    const from = afterId === undefined ? "" : ` from ${moment(snowflakeTime(afterId) + 1)}`;
    const until = beforeId === undefined ? "" : ` until ${moment(snowflakeTime(beforeId))}`;
    lines.push(`🕒${from}${until}, in your time (days are counted in UTC)`);
  }
  if (result.degraded !== undefined) {
    lines.push("⚠️ Search by meaning is not available at the moment; these results go by the words alone.");
  }
  if (result.query.misread.length > 0) {
    const parts = result.query.misread.slice(0, 3).map(({ typed, question }) => {
      const shown = `“${plain(clip(typed, 40))}”`;
      return question === undefined ? shown : `${shown} (${question})`;
    });
    lines.push(
      `I looked for ${parts.join(", ")} as words. What I understand: ${operators.map(({ name }) => `${name}:`).join(" ")}`,
    );
  }
  if (result.didYouMean !== undefined && page === 0) {
    lines.push(`Did you mean “${plain(clip(result.didYouMean, 200))}”?`);
  }
  if (result.query.without.length > 0) {
    const words = result.query.without.slice(0, 3).map((word) => `“${plain(clip(word, 40))}”`);
    lines.push(`🚫 Without ${words.join(", ")}`);
  }
  if (threadsUnchecked) lines.push("Some private threads could not be checked this time and were left out.");
  if (soughtId !== undefined && page === 0) {
    const isThere = hits.some(({ record }) => record.id === soughtId);
    lines.push(isThere ? "⭐ is the message itself." : "The message itself is not on this page.");
  }
  return lines;
}
