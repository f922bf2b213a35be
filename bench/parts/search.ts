// Part "search": how long a search takes and how much of the exact result it finds, by size and filter, warm and cold, with rows that
// no index holds yet and during index upkeep. The vectors are the built-in model's, of chat messages.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Bench, judged, type Part } from "../part.ts";
import { decimals, ms, percentile, ratio, seconds, spread, type Table, whole } from "../table.ts";
import type { SearchFigures, SearchOptions } from "../tasks/search.ts";

const COLD_STARTS = 3;
const run = promisify(execFile);

export const search: Part = async (bench) => {
  const { quick, progress } = bench;
  const sizes = quick ? [60_000] : [10_000, 100_000, 1_000_000];
  const found: { records: number; figures: SearchFigures; coldMs: readonly number[] }[] = [];
  for (const records of sizes) {
    progress(`${whole(records)} records`);
    found.push({ records, ...(await measure(bench, records)) });
  }
  const table: Table = {
    title: "Search: milliseconds (p50 / p95 / p99) and recall@10 against exact search; 10 results",
    columns: ["", ...found.flatMap(({ records }) => [`${whole(records)} records`, "recall"])],
    rows: Object.keys(found[0]?.figures.measured ?? {}).map((way) => [
      way,
      ...found.flatMap(({ figures: { measured } }) => {
        const { times, recall } = measured[way] ?? { times: [], recall: Number.NaN };
        return [spread(times), decimals(recall, 3)];
      }),
    ]),
  };
  const hybrid = (figures: SearchFigures, tail = "") =>
    figures.measured[`hybrid, 20 % of channels${tail}`]?.times ?? [];
  const circumstances: Table = {
    title: "Search: under circumstances (hybrid, 20 % of channels unless said)",
    columns: [
      "records",
      "cold, first of a process",
      "tail: rows / fragments",
      "upkeep took",
      "p95 idle",
      "with the tail",
      "in upkeep",
      "x",
      "write p95 idle",
      "in upkeep",
      "fresh rows missed",
    ],
    rows: found.map(({ records, figures, coldMs }) => {
      const { upkeep, tail } = figures;
      const [idle, busy] = [percentile(hybrid(figures), 0.95), percentile(upkeep.times, 0.95)];
      return [
        whole(records),
        ms(percentile(coldMs, 0.5)),
        `${whole(tail.rows)} / ${tail.fragments}`,
        seconds(upkeep.seconds),
        ms(idle),
        ms(percentile(hybrid(figures, ", tail"), 0.95)),
        ms(busy),
        ratio(busy / idle),
        ms(percentile(upkeep.idleWriteTimes, 0.95)),
        ms(percentile(upkeep.writeTimes, 0.95)),
        String(figures.freshMissed),
      ];
    }),
  };
  const last = found.at(-1);
  const asked = ["1 %", "20 %", "all"].map((share) => `hybrid, ${share}${share === "all" ? "" : " of"} channels`);
  return {
    tables: [table, circumstances],
    notes: [
      ...asked.flatMap((way) => {
        const { times, recall } = last?.figures.measured[way] ?? { times: [], recall: Number.NaN };
        return [
          judged(`${whole(last?.records ?? 0)} rows, ${way}, p95 ms`, percentile(times, 0.95), { atMost: 35 }),
          judged(`${whole(last?.records ?? 0)} rows, ${way}, recall@10`, recall, { atLeast: 0.98 }),
        ];
      }),
      ...found.map(({ records, figures }) =>
        judged(
          `${whole(records)} rows, p95 during upkeep / idle`,
          percentile(figures.upkeep.times, 0.95) / percentile(hybrid(figures), 0.95),
          { atMost: 2 },
        ),
      ),
      ...found.map(({ records, figures }) =>
        judged(`${whole(records)} rows, fresh rows missed`, figures.freshMissed, { atMost: 0 }),
      ),
      '"vectors" asks the index for 100 neighbours; "hybrid" is all that /search does in the process: the query embedded, 100 neighbours, ' +
        "100 full-text matches, word by word comparison, ranking. Its recall compares with the same search over exact neighbours. " +
        "Every search has a filter: what its viewer may read.",
      `Tail: rows that no index holds yet, as a run leaves them between two upkeeps; the last 1,000 are live messages. Upkeep folds them in, while searches follow one another and ten messages a second are written.`,
      "Cold: a fresh process, the index's files dropped from the page cache where the system allows it (dd iflag=nocache).",
    ],
    figures: Object.fromEntries(found.map(({ records, figures, coldMs }) => [records, summary(figures, coldMs)])),
  };
};

async function measure({ quick, lab, progress }: Bench, records: number) {
  const { folder } = await lab.backfilled(records);
  const copy = await lab.copy(folder);
  const { serverUrl } = lab;
  const options: SearchOptions = {
    folder: copy,
    serverUrl,
    queries: quick ? 60 : 200,
    compared: quick ? 30 : 60,
    tailRows: Math.min(10_000, records / 10),
  };
  const coldMs: number[] = [];
  for (let n = 0; n < COLD_STARTS; n += 1) {
    await dropFromPageCache(copy);
    coldMs.push((await lab.run<SearchFigures>("search", { ...options, cold: true } satisfies SearchOptions)).coldMs);
  }
  progress(`${whole(records)} records, warm`);
  const figures = await lab.run<SearchFigures>("search", options);
  await lab.remove(copy);
  return { figures, coldMs };
}

/** Best effort: a system without GNU dd measures with a warm cache. */
async function dropFromPageCache(folder: string): Promise<void> {
  await run("sync").catch(() => undefined);
  const drop = ["-exec", "dd", "if={}", "iflag=nocache", "count=0", "status=none", ";"];
  await run("find", [folder, "-type", "f", ...drop]).catch(() => undefined);
}

function summary({ measured, upkeep, ...rest }: SearchFigures, coldMs: readonly number[]) {
  const times = (list: readonly number[]) => ({
    p50: percentile(list, 0.5),
    p95: percentile(list, 0.95),
    p99: percentile(list, 0.99),
  });
  return {
    ...rest,
    coldMs,
    ways: Object.fromEntries(
      Object.entries(measured).map(([way, each]) => [way, { recall: each.recall, ...times(each.times) }]),
    ),
    upkeep: { seconds: upkeep.seconds, search: times(upkeep.times), write: times(upkeep.writeTimes) },
  };
}
