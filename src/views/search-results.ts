// A page of search results, and why there are none. Pure.

import type { APIEmbedField } from "discord-api-types/v10";
import type { BackfillStatus } from "../backfill/backfill.ts";
import { isActive, totals } from "../backfill/run.ts";
import type { SearchHit, SearchResult } from "../search/search.ts";
import { snippetMarkdown } from "../search/snippet.ts";
import { button, colors, customId, message, type View } from "./message.ts";
import { ago, clip, count, isolate, jumpLink, percent, plain } from "./words.ts";

export const resultsPerPage = 5;

export interface ResultsPage {
  readonly guildId: string;
  /** What was searched for, as it heads the page. */
  readonly title: string;
  readonly result: SearchResult;
  /** Counted from 0. */
  readonly page: number;
  /** For the page buttons. */
  readonly sessionId: string;
  /** Mark the query's words. */
  readonly marked: boolean;
  /** Private threads that could not be checked and were left out. */
  readonly uncheckedThreads: number;
  /** For the explanation of an empty result; undefined when not known. */
  readonly status: BackfillStatus | undefined;
}

export function searchResultsView(shown: ResultsPage): View {
  const { result, page, sessionId } = shown;
  const { hits, hasMore } = result;
  const first = page * resultsPerPage + 1;
  const description = [...notices(shown), ...(hits.length === 0 ? reasonsForNothing(shown) : [])].join("\n");
  return message({
    embeds: [
      {
        title: `🔎 ${plain(clip(shown.title, 120)) || "Newest first"}`,
        color: hits.length > 0 ? colors.neutral : colors.quiet,
        ...(description && { description }),
        fields: hits.map((hit, at) => hitField(hit, first + at, shown)),
        ...(hits.length > 0 && { footer: { text: `Results ${first} to ${first + hits.length - 1}` } }),
      },
    ],
    buttons:
      page === 0 && !hasMore
        ? []
        : [
            button("Previous", customId("search", "page", sessionId, String(page - 1)), "secondary", page === 0),
            button("Next", customId("search", "page", sessionId, String(page + 1)), "primary", !hasMore),
          ],
  });
}

function hitField({ row, snippet, repeats }: SearchHit, position: number, shown: ResultsPage): APIEmbedField {
  const author = isolate(plain(clip(row.authorName, 60))) || "somebody";
  const what = row.kind === "message" ? "" : row.ownerId ? "📝 private note of " : "📝 note of ";
  const where = `<#${row.channelId}> · ${ago(row.createdAt)}`;
  const link = row.kind === "message" ? `\n${jumpLink(shown.guildId, row.channelId, row.id)}` : "";
  const text = snippetMarkdown(shown.marked ? snippet : { text: snippet.text, marks: [] }) || "*(no text)*";
  const same = repeats.length > 0 ? `\n*and ${count(repeats.length, "more that says", "more that say")} the same*` : "";
  return { name: `${position}. ${what}${author}`, value: `${where}\n> ${clip(text, 750)}${same}${link}` };
}

function notices({ result, uncheckedThreads }: ResultsPage): string[] {
  const lines: string[] = [];
  if (result.degraded !== undefined) {
    lines.push("⚠️ Search by meaning is not available at the moment; these results go by the words alone.");
  }
  if (result.unknown.length > 0) {
    const names = result.unknown.slice(0, 5).map((name) => `“${plain(clip(name, 60))}”`);
    lines.push(`I know nobody and no channel here by ${names.join(", ")}.`);
  }
  if (uncheckedThreads > 0) {
    lines.push(
      `${count(uncheckedThreads, "private thread")} could not be checked and ${uncheckedThreads === 1 ? "was" : "were"} left out.`,
    );
  }
  return lines;
}

function reasonsForNothing({ result, page, status }: ResultsPage): string[] {
  if (page > 0) return ["There are no more results."];
  if (result.unknown.length > 0) return ["Check how the name is written, or leave it out."];
  const lines = ["Nothing was found among what you can read. Try other words, or fewer limits."];
  const run = status?.run;
  if (status && !run) {
    lines.push("Older messages may not be searchable yet: no backfill has been made here. An admin can start one.");
  } else if (run && isActive(run.status)) {
    const { read, remaining } = totals(run);
    lines.push(`A backfill is making older messages searchable; it is at ${percent(read, read + remaining)}.`);
  } else if (run && run.status !== "succeeded") {
    lines.push("The backfill of older messages is not finished, so some of them cannot be found yet.");
  }
  return lines;
}
