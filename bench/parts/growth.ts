// Part "growth": what ten and a hundred times as many records do to speed, memory and disk, and how soon a killed run goes on.

import { stat } from "node:fs/promises";
import { type Bench, judged, type Part } from "../part.ts";
import { archiveFile } from "../setup.ts";
import { mib, seconds, type Table, whole } from "../table.ts";
import type { BackfillOptions, BackfillResult } from "../tasks/backfill.ts";

/** Of the records, when the process is killed. */
const KILLED_AT = 0.5;

export const growth: Part = async (bench) => {
  const { quick, progress } = bench;
  const sizes = quick ? [60_000] : [10_000, 100_000, 1_000_000];
  const measured: Awaited<ReturnType<typeof measure>>[] = [];
  for (const records of sizes) {
    progress(`${whole(records)} records with the built-in model`);
    measured.push(await measure(bench, records));
  }
  const table: Table = {
    title: "Growth: the built-in model, archive to searchable",
    columns: [
      "records",
      "/s",
      "took",
      "whole run",
      "heap + external",
      "RSS",
      "archive",
      "index, at most",
      "right after",
      "an hour after",
      "bytes / record",
      "as estimated",
    ],
    rows: measured.map(({ records, run, archiveBytes }) => [
      whole(records),
      whole(run.recordsPerSecond),
      seconds(run.seconds),
      seconds(run.analysisSeconds + run.seconds + run.finishSeconds),
      mib(run.figures.heapPeakBytes),
      mib(run.figures.rssPeakBytes),
      mib(archiveBytes),
      mib(run.disk?.peak ?? Number.NaN),
      mib(run.indexBytes),
      mib(run.disk?.settled ?? Number.NaN),
      whole(bytesPerRecord(run)),
      mib(run.disk?.estimated ?? Number.NaN),
    ]),
  };
  const killed: Table = {
    title: `Growth: killed with SIGKILL at ${KILLED_AT * 100} %, started again at once`,
    columns: ["records", "goes on after", "first checkpoint after", "rest took", "rows", "as undisturbed"],
    rows: measured.map(({ records, run, resumed }) => [
      whole(records),
      seconds(resumed.resumedAfterSeconds),
      seconds(resumed.firstCheckpointAfterSeconds),
      seconds(resumed.seconds),
      whole(resumed.rows),
      resumed.rows === run.rows && resumed.embedded === run.embedded && resumed.balanced ? "yes" : "NO",
    ]),
  };
  const last = measured.at(-1);
  const heapOf = (records: number) => measured.find((each) => each.records === records)?.run.figures.heapPeakBytes;
  const heapGrowthMib = ((heapOf(1_000_000) ?? Number.NaN) - (heapOf(100_000) ?? 0)) / 1_048_576;
  return {
    tables: [table, killed],
    notes: [
      ...(quick
        ? []
        : [
            judged("a million messages, archive to searchable, s", last?.run.seconds ?? Number.NaN, { atMost: 100 }),
            judged("heap + external, growth from 100 k to 1 M records, MiB", heapGrowthMib, { atMost: 64 }),
          ]),
      ...measured.flatMap(({ records, run: { disk, ...run } }) => {
        if (disk === undefined) return [];
        const what = `${whole(records)} records, index`;
        return [
          judged(`${what}, bytes a record an hour after`, bytesPerRecord({ disk, ...run }), { atMost: 1_500 }),
          judged(`${what}, at most / an hour after`, disk.peak / disk.settled, { atMost: 2.5 }),
          judged(`${what}, off analyze's estimate`, Math.abs(disk.estimated / disk.peak - 1), { atMost: 0.15 }),
        ];
      }),
      "A killed process leaves a lease that is good for 15 s: the new one waits for it before it goes on, so that two never write at once.",
    ],
    figures: Object.fromEntries(measured.map(({ records, ...each }) => [records, each])),
  };
};

/** Of all versions that are left an hour after. */
function bytesPerRecord({ disk, embedded }: BackfillResult): number {
  return (disk?.settled ?? Number.NaN) / embedded;
}

async function measure({ lab, progress }: Bench, records: number) {
  const { folder, result: run } = await lab.backfilled(records);
  const archiveBytes = (await stat(archiveFile(folder))).size;
  progress(`${whole(records)} records: killed at ${KILLED_AT * 100} % and started again`);
  const victimFolder = await lab.archive(records);
  const { serverUrl } = lab;
  const options: BackfillOptions = { folder: victimFolder, embedder: "builtIn", serverUrl };
  const victim = lab.begin<BackfillResult>("backfill", options);
  for (let read = 0; read < records * KILLED_AT; ) read = Number((await victim.said("progress")).read);
  await victim.kill();
  const resumed = await lab.run<BackfillResult>("backfill", {
    ...options,
    resume: true,
  } satisfies BackfillOptions);
  await lab.remove(victimFolder);
  return { records, run, resumed, archiveBytes };
}
