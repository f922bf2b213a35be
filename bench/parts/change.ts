// Part "change": what a search costs while the model is being changed, when each record is in the new index, the former one or both, as a
// multiple of one index that has everything.

import { judged, type Part } from "../part.ts";
import { decimals, ms, percentile, ratio, spread, type Table, whole } from "../table.ts";
import { type ChangeFigures, type ChangeOptions, oneIndex } from "../tasks/change.ts";

/** So many times as long as with one index, at most. */
const MOST = 2;

export const change: Part = async ({ quick, lab, progress }) => {
  const measured: { readonly records: number; readonly figures: ChangeFigures }[] = [];
  for (const records of quick ? [30_000] : [10_000, 100_000]) {
    progress(`${whole(records)} records`);
    const options: ChangeOptions = { records, queries: quick ? 60 : 200 };
    measured.push({ records, figures: await lab.run<ChangeFigures>("change", options) });
  }
  const tables: Table[] = measured.map(({ records, figures }) => {
    const one = figures[oneIndex];
    return {
      title: `Search while the model is changed: ${whole(records)} records, 20 % of channels`,
      columns: ["", "p50 / p95 / p99", "p50 x", "p95 x", "processor", "x"],
      rows: Object.entries(figures).map(([way, { times, cpuMs }]) => [
        way,
        spread(times),
        ...[0.5, 0.95].map((share) => ratio(percentile(times, share) / percentile(one?.times ?? [], share))),
        ms(cpuMs / times.length),
        ratio(cpuMs / (one?.cpuMs ?? Number.NaN)),
      ]),
    };
  });
  return {
    tables,
    notes: [
      ...measured.flatMap(({ records, figures }) =>
        Object.entries(figures)
          .filter(([way]) => way !== oneIndex)
          .map(([way, { times }]) => {
            const times95 = percentile(times, 0.95) / percentile(figures[oneIndex]?.times ?? [], 0.95);
            return judged(`${whole(records)} rows, ${way}: p95 as a multiple of one index`, times95, { atMost: MOST });
          }),
      ),
      "The ways take turns, query by query. The processor's time tells more than the clock's where the machine has other things to do.",
    ],
    figures: Object.fromEntries(
      measured.map(({ records, figures }) => [
        records,
        Object.fromEntries(
          Object.entries(figures).map(([way, { times, cpuMs }]) => [
            way,
            {
              p50: percentile(times, 0.5),
              p95: percentile(times, 0.95),
              cpuMs: Number(decimals(cpuMs / times.length, 2)),
            },
          ]),
        ),
      ]),
    ),
  };
};
