// Judged questions, where the data is at hand: what they are asked of as rows, and how good an answer is.

import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { joinSearchText } from "../../src/content-hash.ts";
import type { IndexRow } from "../../src/ports/vector-index.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { indexRow } from "./index-store.ts";

const fileOf = (set: string) => new URL(`../../../shared/data/retrieval.${set}.json.gz`, import.meta.url);

interface Judged {
  readonly corpus: readonly {
    readonly id: string;
    readonly text: string;
    readonly channel?: string;
    readonly author?: string;
  }[];
  readonly queries: readonly {
    readonly text: string;
    readonly relevant: readonly string[];
    readonly channel?: string;
  }[];
}

/** Says so where one is missing. */
export function hasJudged(...sets: readonly string[]): boolean {
  const missing = sets.map(fileOf).filter((file) => !existsSync(file));
  for (const { pathname } of missing)
    console.log(`judged queries skipped: ${pathname} is not here (npm run eval measures all sets)`);
  return missing.length === 0;
}

export interface JudgedQuery {
  readonly text: string;
  readonly relevant: ReadonlySet<string>;
  /** Of the conversation it is about, or of all. */
  readonly channelIds: readonly string[];
}

/** @param channels of the file, one id each from 1 on; undefined: all @param everyNth query is taken @param embed of "author: text" */
export function loadJudged(
  set: string,
  channels: readonly string[] | undefined,
  everyNth: number,
  embed: (said: string) => Float32Array,
): { readonly rows: readonly IndexRow[]; readonly queries: readonly JudgedQuery[] } {
  const judged: Judged = JSON.parse(gunzipSync(readFileSync(fileOf(set))).toString());
  const known = channels ?? [...new Set(judged.corpus.map(({ channel = "" }) => channel))];
  const channelIdOf = (channel: string) => String(1 + known.indexOf(channel));
  const idOf = new Map<string, string>();
  const before = new Map<string, { readonly id: string; readonly text: string }>();
  const rows = judged.corpus
    .filter(({ channel = "" }) => known.includes(channel))
    .map(({ id: name, text, channel = "", author }, position) => {
      const id = snowflakeAt(1_700_000_000_000 + position * 60_000);
      idOf.set(name, id);
      const said = author === undefined ? "" : `${author}: `;
      // What has no channel is no conversation: nothing in it follows anything.
      const neighbour = before.get(channel);
      const searchText = joinSearchText(neighbour?.text ?? "", said, text);
      if (channel !== "") before.set(channel, { id, text });
      return indexRow({
        id,
        channelId: channelIdOf(channel),
        authorName: author ?? "",
        text,
        searchText,
        vector: embed(said + text),
        ...(neighbour && { contextId: neighbour.id }),
      });
    });
  const queries = judged.queries
    .filter(({ channel }, position) => (channel === undefined || known.includes(channel)) && position % everyNth === 0)
    .map(({ text, relevant, channel }) => ({
      text,
      relevant: new Set(relevant.map((id) => idOf.get(id) ?? "")),
      channelIds: channel === undefined ? known.map(channelIdOf) : [channelIdOf(channel)],
    }));
  return { rows, queries };
}

/** nDCG@10 */
export function ndcg(found: readonly string[], relevant: ReadonlySet<string>): number {
  const gain = (rank: number) => 1 / Math.log2(rank + 2);
  const got = found.slice(0, 10).reduce((sum, id, rank) => sum + (relevant.has(id) ? gain(rank) : 0), 0);
  const ideal = Array.from({ length: Math.min(10, relevant.size) }, (_, rank) => gain(rank)).reduce((a, b) => a + b, 0);
  return got / ideal;
}
