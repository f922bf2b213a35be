// Part "remote": what Deno KV over KV Connect and an index on S3 cost against the data folder, side by side: backfills and searches,
// each in one process and in four. Both engines run on this machine, so no network is in these numbers but loopback.

import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { engines, isInstalled } from "../../tests/engines/engines.ts";
import { startRemoteEngines } from "../../tests/engines/remote.ts";
import type { Lab } from "../lab.ts";
import type { Part } from "../part.ts";
import { guildIds } from "../records.ts";
import { archiveFile } from "../setup.ts";
import { decimals, ms, percentile, ratio, type Table, whole } from "../table.ts";
import type { BackfillOptions, BackfillResult } from "../tasks/backfill.ts";
import type { SearchingOptions, SearchingResult } from "../tasks/searching.ts";

const PROCESSES = [1, 4];
const WHERE = ["folder", "S3", "S3, nothing kept"] as const;
type Where = (typeof WHERE)[number];
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
  const measured: { where: Where; processes: number; results: SearchingResult[] }[] = [];
  for (const processes of PROCESSES) {
    for (const where of WHERE) {
      progress(`searches ${inProcesses(processes)}, ${where}`);
      // The first search finds no cache.
      await rm(join(searched, "index-cache"), { recursive: true, force: true });
      const options = optionsOf(where);
      const results = await Promise.all(
        Array.from({ length: processes }, () => lab.run<SearchingResult>("searching", options)),
      );
      if (results.some(({ hits }) => hits === 0)) throw new Error("searches found nothing");
      measured.push({ where, processes, results });
    }
  }
  await full.close();

  function optionsOf(where: Where): SearchingOptions {
    const options = { folder: searched, serverUrl: lab.serverUrl, queries };
    if (where === "folder") return options;
    const { index, ...stores } = full.stores(searched);
    const cacheMegabytes = where === "S3" ? undefined : 0;
    return {
      ...options,
      stores: { ...stores, index: index && { ...index, cacheMegabytes } },
      requestLog: full.requestLog,
    };
  }

  const timesOf = (results: readonly SearchingResult[]) => results.flatMap(({ times }) => times);
  function folderP50(processes: number): number {
    const local = measured.find((each) => each.where === "folder" && each.processes === processes);
    return percentile(timesOf(local?.results ?? []), 0.5);
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
    columns: ["index in", "processes", "cold", "p50", "/ folder", "p95", "searches /s", "S3 requests / search"],
    rows: measured.map(({ where, processes, results }) => {
      const times = timesOf(results);
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
        ratio(percentile(times, 0.5) / folderP50(processes)),
        ms(percentile(times, 0.95)),
        decimals((times.length * processes * 1000) / sum, 1),
        where === "folder" ? "-" : decimals(Math.max(...results.map(({ requests }) => requests)) / times.length, 1),
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
      "Requests of a search are those of warm processes, after their first 21 searches. S3, nothing kept: with INDEX_CACHE_MB=0.",
    ],
    figures: {
      records,
      archiveBytes,
      backfills,
      searches: measured.map(({ results, ...rest }) => ({
        ...rest,
        requests: results.map(({ requests }) => requests),
        coldMs: results.map(({ coldMs }) => coldMs),
        p50: percentile(timesOf(results), 0.5),
        p95: percentile(timesOf(results), 0.95),
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
