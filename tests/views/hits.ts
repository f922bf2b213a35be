// Search hits for tests.

import type { ArchivedRecord } from "../../src/ports/records.ts";
import type { IndexRow } from "../../src/ports/vector-index.ts";
import { verbatim } from "../../src/search/query.ts";
import type { SearchResult } from "../../src/search/search.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import type { ShownHit } from "../../src/views/search-results.ts";
import { guildId, now } from "./examples.ts";

/** A hit, as a search finds it and as a page shows it: a row, the record it was made of, and nothing that repeats it. */
export function hit(changes: Partial<IndexRow> = {}, record: Partial<ArchivedRecord> = {}) {
  const row: IndexRow = {
    id: snowflakeAt(now),
    chunk: 0,
    kind: "message",
    channelId: guildId,
    accessChannelId: guildId,
    authorId: "7",
    createdAt: now,
    contentHash: "x",
    tags: [],
    authorName: "Ada",
    text: "hello",
    searchText: "hello",
    ngrams: "",
    vector: new Float32Array(),
    ...changes,
  };
  const { id, kind, channelId, accessChannelId, authorId, authorName, ownerId, text } = row;
  const visibility = kind === "note" ? ({ visibility: ownerId ? "private" : "channel" } as const) : {};
  const stored = {
    id,
    kind,
    channelId,
    accessChannelId,
    authorId,
    authorName,
    content: text,
    ...visibility,
    ...record,
  };
  return { row, record: stored, score: 1, repeats: [], others: [] } satisfies ShownHit;
}

/** What a search for `text` answers, but for its hits. */
export function answerTo(text: string, changes: Partial<SearchResult> = {}): Omit<SearchResult, "hits"> {
  const query = verbatim(text);
  return { hasMore: false, query, filter: { accessChannelIds: [guildId] }, unknown: [], tookMs: 3, ...changes };
}

export const noHits: SearchResult = { hits: [], ...answerTo("solder") };
