// Part "sizes": what a search takes, and a message on disk, from ten thousand to three million messages, as a table and as a plot.

import { type Bench, judged, type Part } from "../part.ts";
import { drawPlot } from "../plot.ts";
import { mib, ms, percentile, type Table, whole } from "../table.ts";
import type { SearchingOptions, SearchingResult } from "../tasks/searching.ts";

const SIZES = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000];
const SMALL_SIZES = SIZES.filter((records) => records <= 100_000);

interface Measured {
  readonly records: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Of the index, all versions, an hour after the backfill. */
  readonly bytesPerRecord: number;
  readonly bytes: number;
}

export const sizes: Part = async (bench) => {
  const measured: Measured[] = [];
  for (const records of bench.quick ? SMALL_SIZES : SIZES) {
    bench.progress(`${whole(records)} records`);
    measured.push(await measure(bench, records));
  }
  const table: Table = {
    title: "Sizes: hybrid searches of 20 % of the channels, and the index an hour after the backfill",
    columns: ["records", "p50", "p95", "index", "bytes / record"],
    rows: measured.map(({ records, p50Ms, p95Ms, bytes, bytesPerRecord }) => [
      whole(records),
      ms(p50Ms),
      ms(p95Ms),
      mib(bytes),
      whole(bytesPerRecord),
    ]),
  };
  const million = measured.find(({ records }) => records === 1_000_000);
  return {
    tables: [table],
    notes: million
      ? [
          judged("1,000,000 records, a search's p95, ms", million.p95Ms, { atMost: 35 }),
          judged("1,000,000 records, index bytes a record", million.bytesPerRecord, { atMost: 1_500 }),
        ]
      : [],
    pictures: [
      {
        name: "sizes",
        title: "A search's time, and the bytes of a message in the index, by the number of messages",
        ...(await drawPlot(plotOf(measured))),
      },
    ],
    figures: { measured },
  };
};

async function measure({ quick, lab }: Bench, records: number): Promise<Measured> {
  const { folder, result } = await lab.backfilled(records);
  const { serverUrl } = lab;
  const options: SearchingOptions = { folder, serverUrl, queries: quick ? 60 : 200 };
  const { times } = await lab.run<SearchingResult>("searching", options);
  const bytes = result.disk?.settled ?? Number.NaN;
  return {
    records,
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
    bytes,
    bytesPerRecord: bytes / records,
  };
}

function plotOf(measured: readonly Measured[]): object {
  const x = {
    field: "records",
    type: "quantitative",
    scale: { type: "log" },
    axis: { title: "messages", format: "~s" },
  };
  const line = { type: "line", point: true };
  const panel = (title: string, values: readonly object[]) => ({
    width: 480,
    height: 200,
    data: { values },
    mark: line,
    encoding: {
      x,
      y: { field: "value", type: "quantitative", scale: { zero: true }, axis: { title } },
      color: { field: "what", type: "nominal", legend: { title: null, orient: "top" } },
    },
  });
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    vconcat: [
      panel(
        "milliseconds a search",
        measured.flatMap(({ records, p50Ms, p95Ms }) => [
          { records, value: p50Ms, what: "p50" },
          { records, value: p95Ms, what: "p95" },
        ]),
      ),
      panel(
        "bytes a message",
        measured.map(({ records, bytesPerRecord: value }) => ({ records, value, what: "index, an hour after" })),
      ),
    ],
    resolve: { scale: { color: "independent" } },
  };
}
