// Task: searches while the model is being changed, through the search core that members use: all records in one index, or shared by the
// one being filled and the former one. The ways take turns, query by query, so that whatever else the machine does slows all of them.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import { systemClock } from "../../src/adapters/system.ts";
import { contentHash } from "../../src/content-hash.ts";
import { prepare } from "../../src/indexing/text/prepare.ts";
import { toRows } from "../../src/indexing/text/rows.ts";
import type { IndexRow, VectorIndex } from "../../src/ports/vector-index.ts";
import type { SearchedGeneration } from "../../src/search/generations.ts";
import { createSearch } from "../../src/search/search.ts";
import { composeQueries, composeRecords, GUILD } from "../records.ts";
import { listeningLogger, MODEL_FOLDER } from "../setup.ts";
import { filters } from "./search.ts";

const ROWS_PER_WRITE = 10_000;
const WARM_UP = 20;
const ENDS_AT_MS = Date.UTC(2026, 0, 1);

/** What the others are compared with. */
export const oneIndex = "one index";

export interface ChangeOptions {
  readonly records: number;
  readonly queries: number;
}

/** By way. */
export type ChangeFigures = Readonly<
  Record<
    string,
    {
      /** Milliseconds, query by query. */
      readonly times: readonly number[];
      /** Of the processor, for all of them. */
      readonly cpuMs: number;
    }
  >
>;

/** As if by another model: half as long, and its cosines lie close together, as e5's do. */
function formerVector(vector: Float32Array): Float32Array {
  const half = vector.slice(0, vector.length / 2);
  const length = Math.sqrt(half.reduce((sum, value) => sum + value * value, 0)) || 1;
  return Float32Array.from([...half.map((value) => (value / length) * 0.5), Math.sqrt(0.75)]);
}

export async function run(options: ChangeOptions): Promise<ChangeFigures> {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-bench-change-"));
  try {
    return await measure(folder, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, { records, queries }: ChangeOptions): Promise<ChangeFigures> {
  const model = await loadStaticModel(MODEL_FOLDER);
  const store = await createIndexStore(join(folder, "index"));
  const present = [...composeRecords(records, ENDS_AT_MS)].flatMap((record) => {
    const chunks = prepare(record);
    return toRows(
      { stored: { record, contentHash: contentHash(record) }, contextId: undefined, chunks },
      chunks.map(({ embeddedText }) => model.vector(embeddedText)),
    );
  });
  async function filled(name: string, rows: readonly IndexRow[], unrelatedCosine?: number): Promise<VectorIndex> {
    const dimensions = rows[0]?.vector.length ?? model.dimensions;
    const space = {
      modelId: name,
      dimensions,
      fingerprint: name,
      ...(unrelatedCosine !== undefined && { unrelatedCosine }),
    };
    const index = await store.open(GUILD, space);
    for (let at = 0; at < rows.length; at += ROWS_PER_WRITE) {
      await index.write(rows.slice(at, at + ROWS_PER_WRITE), { fresh: true });
    }
    await index.optimize({ keepVersionsMs: 3_600_000 });
    return index;
  }
  /** The newest, as a run fills it. */
  const newest = (share: number) => present.slice(Math.floor(present.length * (1 - share)));
  const all = await filled("present", present);
  const half = await filled("half", newest(0.5));
  const beginning = await filled("beginning", newest(0.03));
  const end = await filled("end", newest(0.97));
  const former = await filled(
    "former",
    present.map((row) => ({ ...row, vector: formerVector(row.vector) })),
    0.75,
  );

  const byPresent = async (text: string) => model.vector(text);
  const byFormer = async (text: string) => formerVector(model.vector(text));
  const part = (index: VectorIndex, embedQuery?: SearchedGeneration["embedQuery"]) => ({ index, embedQuery });
  const ways: Readonly<Record<string, readonly SearchedGeneration[]>> = {
    [oneIndex]: [part(all, byPresent)],
    "half in each": [part(half, byPresent), part(former, byFormer)],
    "3 % in the new one": [part(beginning, byPresent), part(former, byFormer)],
    "97 % in the new one": [part(end, byPresent), part(former, byFormer)],
    "half in each, the former model gone": [part(half, byPresent), part(former)],
    "the former one alone": [part(former, byFormer)],
  };
  const asking = Object.entries(ways).map(([way, generations]) => {
    const parts = { openGenerations: async () => generations, wordModel: model, clock: systemClock };
    const archive = { get: async () => new Map(), channel: async () => undefined };
    const none = { archive, findAuthors: async () => [], findRoles: () => [], findChannels: async () => [] };
    return {
      way,
      search: createSearch({ ...parts, ...none, logger: listeningLogger() }),
      times: [] as number[],
      cpuMs: 0,
    };
  });
  const filter = filters["20 % of channels"] ?? { accessChannelIds: [] };
  for (const [n, text] of composeQueries(queries + WARM_UP).entries()) {
    for (const each of asking) {
      const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
      await each.search.search({ guildId: GUILD, text, filter, limit: 10, offset: 0 });
      if (n < WARM_UP) continue;
      each.times.push(performance.now() - startedAt);
      const { user, system } = process.cpuUsage(cpu);
      each.cpuMs += (user + system) / 1_000;
    }
  }
  await store.close();
  return Object.fromEntries(asking.map(({ way, times, cpuMs }) => [way, { times, cpuMs }]));
}
