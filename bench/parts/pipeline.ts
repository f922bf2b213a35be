// Part "pipeline": records per second of a `full` pace run, against the same embedder alone: same client, batches, parallelism and
// server process.

import { judged, type Part } from "../part.ts";
import { type EmbedderName, embedderTitle } from "../server-profiles.ts";
import { decimals, mib, ms, ratio, seconds, type Table, whole } from "../table.ts";
import type { BackfillResult } from "../tasks/backfill.ts";
import type { RawOptions, RawResult } from "../tasks/raw.ts";

interface Row {
  readonly title: string;
  readonly embedder: EmbedderName;
  readonly languages?: boolean;
  /** Records. */
  readonly quick: number;
  readonly full: number;
}

const row = (embedder: EmbedderName, quick: number, full: number): Row => ({
  title: embedderTitle(embedder),
  embedder,
  quick,
  full,
});
const ROWS = {
  instant: row("instant", 50_000, 300_000),
  gpuLike: row("gpuLike", 50_000, 150_000),
  lmStudioLike: row("lmStudioLike", 5_000, 30_000),
  builtIn: row("builtIn", 50_000, 300_000),
  languages: { ...row("builtIn", 50_000, 300_000), title: "the same, seven languages", languages: true },
} as const satisfies Record<string, Row>;
type RowName = keyof typeof ROWS;

export const pipeline: Part = async ({ quick, lab, progress }) => {
  const { serverUrl } = lab;
  const measured: { name: RowName; title: string; records: number; raw: RawResult; run: BackfillResult }[] = [];
  for (const [name, row] of Object.entries(ROWS) as [RowName, Row][]) {
    const { title, embedder, languages = false } = row;
    const records = row[quick ? "quick" : "full"];
    const folder = await lab.archive(records, languages ? { languages } : {});
    progress(`${title}, ${whole(records)} records: alone`);
    const raw = await lab.run<RawResult>("raw", { folder, embedder, serverUrl } satisfies RawOptions);
    progress(`${title}, ${whole(records)} records: a full pace run`);
    const run = await lab.backfill(folder, embedder);
    if (!run.balanced) throw new Error("the accounts of the run do not balance");
    measured.push({ name, title, records, raw, run });
    await lab.remove(folder);
  }

  const throughput: Table = {
    title: "Pipeline: records per second of a full pace run, and of the same embedder alone",
    columns: [
      "embedder",
      "records",
      "batch x parallel",
      "alone /s",
      "run /s",
      "run / alone",
      "whole run",
      "CPU s / 100 k",
    ],
    rows: measured.map(({ title, records, raw, run }) => [
      title,
      whole(records),
      `${raw.textsPerRequest} x ${raw.parallelRequests}`,
      whole(raw.recordsPerSecond),
      whole(run.recordsPerSecond),
      ratio(run.recordsPerSecond / raw.recordsPerSecond),
      seconds(run.analysisSeconds + run.seconds + run.finishSeconds),
      decimals(((run.figures.userSeconds + run.figures.systemSeconds) * 100_000) / run.embedded, 1),
    ]),
  };
  const process: Table = {
    title: "Pipeline: the process during these runs",
    columns: ["embedder", "loop p50 late", "p99", "max", "heap + external", "RSS", "analysis", "upkeep + verify"],
    rows: measured.map(({ title, run: { figures, analysisSeconds, finishSeconds } }) => [
      title,
      ms(figures.loopP50Ms),
      ms(figures.loopP99Ms),
      ms(figures.loopMaxMs),
      mib(figures.heapPeakBytes),
      mib(figures.rssPeakBytes),
      seconds(analysisSeconds),
      seconds(finishSeconds),
    ]),
  };
  const of = (name: RowName) => measured.find((each) => each.name === name);
  const rateOf = (name: RowName) => of(name)?.run.recordsPerSecond ?? Number.NaN;
  const ratioOf = (name: RowName) => rateOf(name) / (of(name)?.raw.recordsPerSecond ?? Number.NaN);
  const loopP99Ms = Math.max(...measured.map(({ run }) => run.figures.loopP99Ms));
  return {
    tables: [throughput, process],
    notes: [
      judged("instant server, records/s", rateOf("instant"), { atLeast: 10_000 }),
      judged("built-in model, records/s", rateOf("builtIn"), { atLeast: 10_000 }),
      judged("built-in model, seven languages, records/s", rateOf("languages"), { atLeast: 10_000 }),
      judged("GPU-like server, share of it alone", ratioOf("gpuLike"), { atLeast: 0.95 }),
      judged("LM Studio-like server, share of it alone", ratioOf("lmStudioLike"), { atLeast: 0.95 }),
      judged("event loop while backfilling, p99 late, ms", loopP99Ms, { atMost: 30 }),
      '"run /s": from the first record read to the last row stored, when a search finds it. "whole run" adds the analysis and ' +
        "pre-flight before, and index upkeep and verification after.",
    ],
    figures: {
      instantRecordsPerSecond: rateOf("instant"),
      builtInRecordsPerSecond: rateOf("builtIn"),
      languagesRecordsPerSecond: rateOf("languages"),
      ratioToRaw: { gpuLike: ratioOf("gpuLike"), lmStudioLike: ratioOf("lmStudioLike") },
      runs: Object.fromEntries(measured.map(({ name, raw, run }) => [name, { raw, run }])),
    },
  };
};
