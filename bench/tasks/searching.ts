// Task: searches through the search core that members use, with the built-in model, in a folder's index or a remote one.

import { linesOf } from "../../tests/engines/remote.ts";
import { composeQueries, GUILD } from "../records.ts";
import { openSetup, type SetupOptions } from "../setup.ts";
import { filters } from "./search.ts";

const HITS = 10;
/** So many first, before anything is measured. */
const WARM_UP = 20;

export interface SearchingOptions extends Pick<SetupOptions, "stores"> {
  readonly folder: string;
  readonly serverUrl: string;
  readonly queries: number;
  /** Of the object store: a line for each request. */
  readonly requestLog?: string;
}

/** Milliseconds. */
export interface SearchingResult {
  /** The very first of this process. */
  readonly coldMs: number;
  readonly times: readonly number[];
  /** Found by all of them together: nothing found is nothing measured. */
  readonly hits: number;
  /** Of the object store, meanwhile. */
  readonly requests: number;
}

export async function run({ queries, requestLog, ...where }: SearchingOptions): Promise<SearchingResult> {
  const setup = await openSetup({ ...where, embedder: "builtIn" });
  const filter = filters["20 % of channels"] ?? { accessChannelIds: [] };
  let hits = 0;
  async function timed(text: string): Promise<number> {
    const startedAt = performance.now();
    const found = await setup.core.search.search({ guildId: GUILD, text, filter, limit: HITS, offset: 0 });
    hits += found.hits.length;
    return performance.now() - startedAt;
  }
  const texts = composeQueries(queries + WARM_UP + 1);
  const [first = "antenna", ...others] = texts;
  const coldMs = await timed(first);
  for (const text of others.slice(0, WARM_UP)) await timed(text);
  const times: number[] = [];
  const requestsBefore = requestLog === undefined ? 0 : await linesOf(requestLog);
  for (const text of others.slice(WARM_UP)) times.push(await timed(text));
  const requests = requestLog === undefined ? 0 : (await linesOf(requestLog)) - requestsBefore;
  await setup.close();
  return { coldMs, times, hits, requests };
}
