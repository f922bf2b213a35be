// Task: searches in a folder's index, through the search core that members use, with the built-in model.

import { contentHash } from "../../src/content-hash.ts";
import { prepare } from "../../src/indexing/text/prepare.ts";
import { toRows } from "../../src/indexing/text/rows.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import type { IndexRow, SearchFilter, VectorIndex } from "../../src/ports/vector-index.ts";
import { nearest } from "../../tests/support/index-searches.ts";
import { type ExactSearch, openExactSearch } from "../exact-search.ts";
import { channelId, composeQueries, composeRecords, GUILD } from "../records.ts";
import { openSetup } from "../setup.ts";

const HITS = 10;
/** As the search core asks for; the best ten of them are compared. */
const CANDIDATES = 100;
const ROWS_PER_WRITE = 200;
/** Of the rows that no index holds yet, those that members wrote; a run wrote the others. With more, upkeep would have come. */
const LIVE_TAIL = 1_000;
const FRESH_ROWS = 20;
/** A busy community: ten messages a second. */
const WRITE_EVERY_MS = 100;

export interface SearchOptions {
  readonly folder: string;
  readonly serverUrl: string;
  /** Only the very first search of this process, timed. */
  readonly cold?: boolean;
  readonly queries: number;
  /** Queries whose results are compared with exact ones. */
  readonly compared: number;
  /** Rows that no index holds yet, written before the last measurements. */
  readonly tailRows: number;
}

/** Milliseconds per search, and the share of the exact best ten that was found. */
export interface Measured {
  readonly times: readonly number[];
  readonly recall: number;
}

export interface SearchFigures {
  readonly coldMs: number;
  readonly rows: number;
  readonly tail: { readonly rows: number; readonly fragments: number };
  /** By way and filter, e.g. "hybrid, 20 % of channels". */
  readonly measured: Readonly<Record<string, Measured>>;
  /** Of rows written a moment before, how many the next search did not find. */
  readonly freshMissed: number;
  readonly upkeep: {
    readonly seconds: number;
    readonly times: readonly number[];
    readonly writeTimes: readonly number[];
    readonly idleWriteTimes: readonly number[];
  };
}

export const filters: Readonly<Record<string, SearchFilter>> = {
  "1 % of channels": { accessChannelIds: [channelId(3)] },
  "20 % of channels": { accessChannelIds: Array.from({ length: 20 }, (_, n) => channelId(n * 5)) },
  "all channels": { accessChannelIds: Array.from({ length: 100 }, (_, n) => channelId(n)) },
};

export async function run(options: SearchOptions): Promise<SearchFigures> {
  const { folder, serverUrl, queries, compared, tailRows } = options;
  const openedExact = await existing(openExactSearch(folder));
  let exact: ExactSearch | undefined;
  const wrapIndex = (index: VectorIndex): VectorIndex => ({
    ...index,
    async candidates(asked) {
      const vector = await asked.vector;
      if (exact === undefined || vector === undefined) return await index.candidates(asked);
      const matching = await index.candidates({ ...asked, vector: Promise.resolve(undefined) });
      const exactly = await index.rows(await exact.nearest(vector, asked.filter, asked.limit));
      const place = ({ id, chunk }: Pick<IndexRow, "id" | "chunk">) => `${id}/${chunk}`;
      const matched = new Set(matching.map(place));
      return [...matching, ...exactly.filter((row) => !matched.has(place(row)))];
    },
  });
  const setup = await openSetup({ folder, serverUrl, embedder: "builtIn", wrapIndex });
  const { search } = setup.core.search;
  const stored = await setup.runStore.load(GUILD);
  if (stored === undefined) throw new Error("the folder has no run");
  const index = await setup.indexStore.open(GUILD, { ...setup.embedder.space, fingerprint: stored.value.fingerprint });

  const ask = (text: string, filter: SearchFilter) => search({ guildId: GUILD, text, filter, limit: HITS, offset: 0 });
  const asked = composeQueries(queries + 50);
  async function timed(work: () => Promise<unknown>): Promise<number> {
    const startedAt = performance.now();
    await work();
    return performance.now() - startedAt;
  }
  const [first = "antenna"] = asked;
  const everywhere = filters["all channels"] ?? { accessChannelIds: [] };
  const coldMs = await timed(() => ask(first, everywhere));
  const measured: Record<string, Measured> = {};

  async function measureVectors(filter: SearchFilter): Promise<Measured> {
    const times: number[] = [];
    let recall = 0;
    for (const [n, text] of asked.slice(50).entries()) {
      const [vector] = await setup.embedder.embed([text], "query");
      if (vector === undefined) continue;
      let found: string[] = [];
      times.push(
        await timed(async () => {
          found = (await nearest(index, vector, filter, CANDIDATES)).map(({ id }) => id);
        }),
      );
      if (n < compared) recall += overlap(found, await openedExact.nearest(vector, filter, HITS));
    }
    return { times, recall: recall / compared };
  }

  async function measureHybrid(filter: SearchFilter): Promise<Measured> {
    const times: number[] = [];
    let recall = 0;
    for (const [n, text] of asked.slice(50).entries()) {
      let found: string[] = [];
      times.push(
        await timed(async () => {
          found = (await ask(text, filter)).hits.map(({ row }) => row.id);
        }),
      );
      if (n >= compared) continue;
      exact = openedExact;
      const best = (await ask(text, filter)).hits.map(({ row }) => row.id);
      exact = undefined;
      recall += overlap(found, best);
    }
    return { times, recall: recall / compared };
  }

  async function rowsOf(records: readonly ArchivedRecord[], runId?: string): Promise<IndexRow[]> {
    const rows: IndexRow[] = [];
    for (const record of records) {
      const chunks = prepare(record);
      if (chunks.length === 0) continue;
      const vectors = await setup.embedder.embed(
        chunks.map(({ embeddedText }) => embeddedText),
        "document",
      );
      rows.push(
        ...toRows(
          { stored: { record, contentHash: contentHash(record) }, contextId: undefined, chunks },
          vectors,
          runId,
        ),
      );
    }
    return rows;
  }

  const result = async (tail: SearchFigures["tail"], rest: Pick<SearchFigures, "freshMissed" | "upkeep">) => {
    const { rows } = await index.stats();
    openedExact.close();
    await setup.close();
    return { coldMs, rows, tail, measured, ...rest };
  };
  const nothing = { freshMissed: 0, upkeep: { seconds: 0, times: [], writeTimes: [], idleWriteTimes: [] } };
  if (options.cold) return await result({ rows: 0, fragments: 0 }, nothing);

  for (const text of asked.slice(0, 50)) await ask(text, everywhere);
  for (const [name, filter] of Object.entries(filters)) measured[`vectors, ${name}`] = await measureVectors(filter);
  for (const [name, filter] of Object.entries(filters)) measured[`hybrid, ${name}`] = await measureHybrid(filter);

  const tailRecords = [...composeRecords(tailRows, Date.now() - 60_000)];
  const tail = [
    ...(await rowsOf(tailRecords.slice(0, -LIVE_TAIL), "bench")),
    ...(await rowsOf(tailRecords.slice(-LIVE_TAIL))),
  ];
  for (let start = 0; start < tail.length; start += ROWS_PER_WRITE) {
    await index.write(tail.slice(start, start + ROWS_PER_WRITE), { fresh: false });
  }
  const { fragments, unindexedRows } = await index.stats();
  for (const [name, filter] of Object.entries(filters)) measured[`hybrid, ${name}, tail`] = await measureHybrid(filter);

  const fresh = [...composeRecords(FRESH_ROWS * 3, Date.now())].map((record, n) => ({
    ...record,
    content: `freshword${n}x ${record.content}`,
  }));
  const freshRows = await rowsOf(fresh);
  const idleWriteTimes: number[] = [];
  let freshMissed = 0;
  for (const row of freshRows.slice(0, FRESH_ROWS)) {
    idleWriteTimes.push(await timed(() => index.write([row], { fresh: false })));
    const { hits } = await ask(row.text.split(" ")[0] ?? "", everywhere);
    if (!hits.some((hit) => hit.row.id === row.id)) freshMissed += 1;
  }

  const upkeep = { seconds: 0, times: [] as number[], writeTimes: [] as number[], idleWriteTimes };
  let working = true;
  const tidying = timed(async () => {
    await index.optimize({ keepVersionsMs: 600_000 });
  }).finally(() => {
    working = false;
  });
  const writing = (async () => {
    for (const row of freshRows.slice(FRESH_ROWS)) {
      await new Promise((resolve) => setTimeout(resolve, WRITE_EVERY_MS));
      if (!working) break;
      upkeep.writeTimes.push(await timed(() => index.write([row], { fresh: false })));
    }
  })();
  const twenty = filters["20 % of channels"] ?? everywhere;
  for (let n = 50; working; n = n + 1 < asked.length ? n + 1 : 50) {
    upkeep.times.push(await timed(() => ask(asked[n] ?? first, twenty)));
  }
  const [tookMs] = await Promise.all([tidying, writing]);
  upkeep.seconds = tookMs / 1000;
  return await result({ rows: unindexedRows, fragments }, { freshMissed, upkeep });
}

async function existing<Value>(opening: Promise<Value | undefined>): Promise<Value> {
  const value = await opening;
  if (value === undefined) throw new Error("the folder has no index");
  return value;
}

function overlap(found: readonly string[], best: readonly string[]): number {
  if (best.length === 0) return 1;
  const there = new Set(found.slice(0, best.length));
  return best.filter((id) => there.has(id)).length / best.length;
}
