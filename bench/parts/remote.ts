// Part "remote": what Deno KV over KV Connect and an index on S3 cost against the data folder, side by side: a backfill, and searches
// in one and in four processes. Both engines run on this machine, so no network is in these numbers but loopback.

import { stat } from "node:fs/promises";
import { engines, isInstalled } from "../../tests/engines/engines.ts";
import { type RemoteEngines, startRemoteEngines } from "../../tests/engines/remote.ts";
import { archiveFile } from "../house.ts";
import type { Part } from "../part.ts";
import { decimals, ms, percentile, ratio, type Table, whole } from "../table.ts";
import type { SearchingOptions, SearchingResult } from "../tasks/searching.ts";

const PROCESSES = [1, 4];

export const remote: Part = async ({ quick, lab, progress }) => {
  if (!engines.every(isInstalled)) {
    return { tables: [], notes: ["not measured: the engines are not here; npm run engines builds them"], figures: {} };
  }
  const records = quick ? 10_000 : 60_000;
  const queries = quick ? 40 : 100;

  progress(`${whole(records)} records, GPU-like server: local`);
  const folder = await lab.archive(records);
  const { size: archiveBytes } = await stat(archiveFile(folder));
  const empty = await startRemoteEngines(folder);
  const local = await lab.backfill(folder, "gpuLike");
  progress(`${whole(records)} records, GPU-like server: remote`);
  const before = await empty.requests();
  const away = await lab.backfill(folder, "gpuLike", { stores: empty.stores(folder) });
  const requests = (await empty.requests()) - before;
  await empty.close();
  if (!local.balanced || !away.balanced) throw new Error("the accounts of a run do not balance");

  const { folder: searched } = await lab.backfilled(records);
  const full = await startRemoteEngines(searched);
  const measured: { where: string; processes: number; results: SearchingResult[]; requests: number | undefined }[] = [];
  for (const processes of PROCESSES) {
    for (const where of ["folder", "S3"]) {
      progress(`searches in ${processes} process${processes === 1 ? "" : "es"}, ${where}`);
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

  const backfills: Table = {
    title: `Remote engines: a full pace run over ${whole(records)} records with the GPU-like server`,
    columns: ["archive and index", "records /s", "remote / local", "upkeep + verify", "index bytes / row"],
    rows: [
      ["data folder", whole(local.recordsPerSecond), "-", `${decimals(local.finishSeconds, 1)} s`, bytesPer(local)],
      [
        "denokv and S3",
        whole(away.recordsPerSecond),
        ratio(away.recordsPerSecond / local.recordsPerSecond),
        `${decimals(away.finishSeconds, 1)} s`,
        bytesPer(away),
      ],
    ],
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
    tables: [backfills, searches],
    notes: [
      "Cold: the first search of a process; the gateway's files are in this machine's page cache.",
      `The archive takes ${whole(archiveBytes / records)} bytes a record in SQLite, here and in denokv.`,
      `The remote run made ${whole(requests)} requests to the object store, ${decimals((requests * 1000) / records, 1)} for each thousand records.`,
      "Requests of a search include those of its process for opening the table and warming up.",
    ],
    figures: {
      records,
      archiveBytes,
      backfill: { local: local.recordsPerSecond, remote: away.recordsPerSecond, requests },
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

const bytesPer = ({ indexBytes, rows }: { readonly indexBytes: number; readonly rows: number }) =>
  whole(indexBytes / rows);
