// Search hits for tests.

import type { IndexRow } from "../../src/ports.ts";
import type { SearchHit, SearchResult } from "../../src/search/search.ts";
import { makeSnippet } from "../../src/search/snippet.ts";
import { guildId, now } from "./examples.ts";

/** A hit as search makes it. @param query whose words are marked */
export function hit(row: Partial<IndexRow> = {}, query = ""): SearchHit {
  const full: IndexRow = {
    id: "1343714078748708111",
    chunk: 0,
    kind: "message",
    channelId: guildId,
    accessChannelId: guildId,
    authorId: "7",
    createdAt: now,
    contentHash: "x",
    has: [],
    authorName: "Ada",
    text: "hello",
    searchText: "hello",
    vector: new Float32Array(),
    ...row,
  };
  return { row: full, score: 1, snippet: makeSnippet(full.text, query, 220), repeats: [] };
}

export const noHits: SearchResult = { hits: [], hasMore: false, unknown: [], tookMs: 3 };
