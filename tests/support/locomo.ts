// Judged questions about chats (LoCoMo), where the data is at hand: its turns as rows without vectors, and how good an answer is.

import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { joinSearchText } from "../../src/content-hash.ts";
import type { IndexRow } from "../../src/ports/vector-index.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { indexRow } from "./index-store.ts";

const FILE = new URL("../../../shared/data/retrieval.locomo10.json.gz", import.meta.url);

interface Judged {
  readonly corpus: readonly {
    readonly id: string;
    readonly text: string;
    readonly channel: string;
    readonly author: string;
  }[];
  readonly queries: readonly {
    readonly text: string;
    readonly relevant: readonly string[];
    readonly channel: string;
  }[];
}

export const hasLocomo = existsSync(FILE);
if (!hasLocomo) console.log(`judged queries skipped: ${FILE.pathname} is not here (npm run eval measures all sets)`);

export interface LocomoQuery {
  readonly text: string;
  readonly relevant: ReadonlySet<string>;
  /** Of the conversation it is about. */
  readonly channelId: string;
}

/** @param channels of the file, one id each from 1 on @param embed of "author: text" */
export function loadLocomo(
  channels: readonly string[],
  embed: (said: string) => Float32Array,
): { readonly rows: readonly IndexRow[]; readonly queries: readonly LocomoQuery[] } {
  const judged: Judged = JSON.parse(gunzipSync(readFileSync(FILE)).toString());
  const channelIdOf = (channel: string) => String(1 + channels.indexOf(channel));
  const idOf = new Map<string, string>();
  const before = new Map<string, string>();
  const rows = judged.corpus
    .filter((turn) => channels.includes(turn.channel))
    .map((turn, position) => {
      const id = snowflakeAt(1_700_000_000_000 + position * 60_000);
      idOf.set(turn.id, id);
      const searchText = joinSearchText(before.get(turn.channel) ?? "", `${turn.author}: `, turn.text);
      before.set(turn.channel, turn.text);
      const vector = embed(`${turn.author}: ${turn.text}`);
      const channelId = channelIdOf(turn.channel);
      return indexRow({ id, channelId, authorName: turn.author, text: turn.text, searchText, vector });
    });
  const queries = judged.queries
    .filter((query, position) => channels.includes(query.channel) && position % 3 === 0)
    .map(({ text, relevant, channel }) => ({
      text,
      relevant: new Set(relevant.map((id) => idOf.get(id) ?? "")),
      channelId: channelIdOf(channel),
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
