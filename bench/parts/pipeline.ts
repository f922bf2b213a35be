// Part "pipeline": records per second of a `full` pace run, against the same embedder alone: same client, batches, parallelism and
// server process.

import { judged, type Part } from "../part.ts";
import { type EmbedderName, embedderTitle } from "../server-profiles.ts";
import { decimals, mib, ms, ratio, seconds, type Table, whole } from "../table.ts";
import type { BackfillResult } from "../tasks/backfill.ts";
import type { RawOptions, RawResult } from "../tasks/raw.ts";

const SIZES: Record<EmbedderName, { readonly quick: number; readonly full: number }> = {
  instant: { quick: 50_000, full: 300_000 },
  gpuLike: { quick: 50_000, full: 150_000 },
  lmStudioLike: { quick: 5_000, full: 30_000 },
  builtIn: { quick: 50_000, full: 300_000 },
};

export const pipeline: Part = async ({ quick, lab, progress }) => {
  const { serverUrl } = lab;
  const measured: { name: EmbedderName; records: number; raw: RawResult; run: BackfillResult }[] = [];
  for (const name of Object.keys(SIZES) as EmbedderName[]) {
    const records = SIZES[name][quick ? "quick" : "full"];
    const folder = await lab.archive(records);
    progress(`${embedderTitle(name)}, ${whole(records)} records: alone`);
    const raw = await lab.run<RawResult>("raw", { folder, embedder: name, serverUrl } satisfies RawOptions);
    progress(`${embedderTitle(name)}, ${whole(records)} records: a full pace run`);
    const run = await lab.backfill(folder, name);
    if (!run.balanced) throw new Error("the accounts of the run do not balance");
    measured.push({ name, records, raw, run });
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
    rows: measured.map(({ name, records, raw, run }) => [
      embedderTitle(name),
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
    rows: measured.map(({ name, run: { figures, analysisSeconds, finishSeconds } }) => [
      embedderTitle(name),
      ms(figures.loopP50Ms),
      ms(figures.loopP99Ms),
      ms(figures.loopMaxMs),
      mib(figures.heapPeakBytes),
      mib(figures.rssPeakBytes),
      seconds(analysisSeconds),
      seconds(finishSeconds),
    ]),
  };
  const of = (name: EmbedderName) => measured.find((each) => each.name === name);
  const rateOf = (name: EmbedderName) => of(name)?.run.recordsPerSecond ?? Number.NaN;
  const ratioOf = (name: EmbedderName) => rateOf(name) / (of(name)?.raw.recordsPerSecond ?? Number.NaN);
  const loopP99Ms = Math.max(...measured.map(({ run }) => run.figures.loopP99Ms));
  return {
    tables: [throughput, process],
    notes: [
      judged("instant server, records/s", rateOf("instant"), { atLeast: 10_000 }),
      judged("built-in model, records/s", rateOf("builtIn"), { atLeast: 10_000 }),
      judged("GPU-like server, share of it alone", ratioOf("gpuLike"), { atLeast: 0.95 }),
      judged("LM Studio-like server, share of it alone", ratioOf("lmStudioLike"), { atLeast: 0.95 }),
      judged("event loop while backfilling, p99 late, ms", loopP99Ms, { atMost: 30 }),
      '"run /s": from the first record read to the last row stored, when a search finds it. "whole run" adds the analysis and ' +
        "pre-flight before, and index upkeep and verification after.",
    ],
    figures: {
      instantRecordsPerSecond: rateOf("instant"),
      builtInRecordsPerSecond: rateOf("builtIn"),
      ratioToRaw: { gpuLike: ratioOf("gpuLike"), lmStudioLike: ratioOf("lmStudioLike") },
      runs: Object.fromEntries(measured.map(({ name, raw, run }) => [name, { raw, run }])),
    },
  };
};
