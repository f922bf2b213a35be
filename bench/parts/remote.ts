// Part "remote": what Deno KV over KV Connect and an index on S3 cost against the data folder, side by side: backfills and searches,
// each in one process and in four. Both engines run on this machine, so no network is in these numbers but loopback.

import { stat } from "node:fs/promises";
import { engines, isInstalled } from "../../tests/engines/engines.ts";
import { type RemoteEngines, startRemoteEngines } from "../../tests/engines/remote.ts";
import type { Lab } from "../lab.ts";
import type { Part } from "../part.ts";
import { guildIds } from "../records.ts";
import { archiveFile } from "../setup.ts";
import { decimals, ms, percentile, ratio, type Table, whole } from "../table.ts";
import type { BackfillOptions, BackfillResult } from "../tasks/backfill.ts";
import type { SearchingOptions, SearchingResult } from "../tasks/searching.ts";

const PROCESSES = [1, 4];
const inProcesses = (count: number) => `in ${count} process${count === 1 ? "" : "es"}`;

export const remote: Part = async ({ quick, lab, progress }) => {
  if (!engines.every(isInstalled)) {
    return { tables: [], notes: ["not measured: the engines are not here; npm run engines builds them"], figures: {} };
  }
  const records = quick ? 10_000 : 60_000;
  const queries = quick ? 40 : 100;

  const backfills: { processes: number; local: Backfills; away: Backfills; requests: number }[] = [];
  let archiveBytes = 0;
  for (const processes of PROCESSES) {
    const folder = await lab.archive(records, { guilds: processes });
    archiveBytes ||= (await stat(archiveFile(folder))).size;
    const empty = await startRemoteEngines(folder);
    progress(`${whole(records)} records ${inProcesses(processes)}, GPU-like server: local`);
    const local = await backfillTogether(lab, processes, { folder });
    progress(`${whole(records)} records ${inProcesses(processes)}, GPU-like server: remote`);
    const before = await empty.requests();
    const away = await backfillTogether(lab, processes, { folder, stores: empty.stores(folder) });
    backfills.push({ processes, local, away, requests: (await empty.requests()) - before });
    await empty.close();
  }

  const { folder: searched } = await lab.backfilled(records);
  const full = await startRemoteEngines(searched);
  const measured: { where: string; processes: number; results: SearchingResult[]; requests: number | undefined }[] = [];
  for (const processes of PROCESSES) {
    for (const where of ["folder", "S3"]) {
      progress(`searches ${inProcesses(processes)}, ${where}`);
      const requestsBefore = await full.requests();
      const results = await Promise.all(
        Array.from({ length: processes }, () => lab.run<SearchingResult>("searching", optionsOf(where))),
      );
      if (results.some(({ hits }) => hits === 0)) throw new Error("searches found nothing");
      measured.push({
        where,
        processes,
        results,
        requests: where === "S3" ? (await full.requests()) - requestsBefore : undefined,
      });
    }
  }
  await full.close();

  function optionsOf(where: string): SearchingOptions {
    const stores = where === "S3" ? { stores: (full satisfies RemoteEngines).stores(searched) } : {};
    return { folder: searched, serverUrl: lab.serverUrl, queries, ...stores };
  }

  const backfillsTable: Table = {
    title: `Remote engines: a full pace run over ${whole(records)} records with the GPU-like server`,
    columns: [
      "archive and index",
      "processes",
      "records /s",
      "remote / local",
      "upkeep + verify",
      "index bytes / row",
      "S3 requests / 1,000 records",
    ],
    rows: backfills.flatMap(({ processes, local, away, requests }) => {
      const row = (
        where: string,
        { recordsPerSecond, finishSeconds, bytesPerRow }: Backfills,
        ...[share, asked]: string[]
      ) => [
        where,
        String(processes),
        whole(recordsPerSecond),
        share ?? "-",
        `${decimals(finishSeconds, 1)} s`,
        whole(bytesPerRow),
        asked ?? "-",
      ];
      const share = ratio(away.recordsPerSecond / local.recordsPerSecond);
      return [row("data folder", local), row("denokv and S3", away, share, decimals((requests * 1000) / records, 1))];
    }),
  };
  const searches: Table = {
    title: `Remote engines: searches of ${whole(records)} records (hybrid, 20 % of channels)`,
    columns: ["index in", "processes", "cold", "p50", "p95", "searches /s", "S3 requests / search"],
    rows: measured.map(({ where, processes, results, requests: asked }) => {
      const times = results.flatMap((each) => each.times);
      const sum = times.reduce((total, each) => total + each, 0);
      return [
        where,
        String(processes),
        ms(
          percentile(
            results.map(({ coldMs }) => coldMs),
            0.5,
          ),
        ),
        ms(percentile(times, 0.5)),
        ms(percentile(times, 0.95)),
        decimals((times.length * processes * 1000) / sum, 1),
        asked === undefined ? "-" : decimals(asked / times.length, 1),
      ];
    }),
  };
  return {
    tables: [backfillsTable, searches],
    notes: [
      "Cold: the first search of a process; the gateway's files are in this machine's page cache.",
      `The archive takes ${whole(archiveBytes / records)} bytes a record in SQLite, here and in denokv.`,
      "Of several processes, each looks after a server of its own with its share of the records; they begin together, and records /s is all records from the first one read by any to the last one stored by any. Upkeep + verify: the slowest.",
      "All share one GPU-like server, which works on four requests at a time whoever asks.",
      "Requests of a search include those of its process for opening the table and warming up.",
    ],
    figures: {
      records,
      archiveBytes,
      backfills,
      searches: measured.map(({ results, ...rest }) => ({
        ...rest,
        coldMs: results.map(({ coldMs }) => coldMs),
        p50: percentile(
          results.flatMap(({ times }) => times),
          0.5,
        ),
        p95: percentile(
          results.flatMap(({ times }) => times),
          0.95,
        ),
      })),
    },
  };
};

/** Of all processes of one run together. */
interface Backfills {
  readonly recordsPerSecond: number;
  readonly finishSeconds: number;
  readonly bytesPerRow: number;
}

async function backfillTogether(
  { serverUrl, begin }: Lab,
  processes: number,
  where: Pick<BackfillOptions, "folder" | "stores">,
): Promise<Backfills> {
  const tasks = guildIds(processes).map((guildId) => {
    const options: BackfillOptions = { ...where, guildId, embedder: "gpuLike", serverUrl, together: true };
    return begin<BackfillResult>("backfill", options);
  });
  await Promise.all(tasks.map((task) => task.said("ready")));
  for (const task of tasks) task.say("start");
  const results = await Promise.all(tasks.map(({ result }) => result));
  if (results.some(({ balanced }) => !balanced)) throw new Error("the accounts of a run do not balance");
  const sum = (of: (result: BackfillResult) => number) => results.reduce((total, each) => total + of(each), 0);
  const begunAtMs = Math.min(...results.map((each) => each.begunAtMs));
  const storedAtMs = Math.max(...results.map((each) => each.storedAtMs));
  return {
    recordsPerSecond: (sum(({ embedded }) => embedded) * 1000) / (storedAtMs - begunAtMs),
    finishSeconds: Math.max(...results.map(({ finishSeconds }) => finishSeconds)),
    bytesPerRow: sum(({ indexBytes }) => indexBytes) / sum(({ rows }) => rows),
  };
}
