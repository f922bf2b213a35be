// Part "others": the same records through the same server by the naive loop, by LangChain.js with LanceDB, and by Backscroll.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type Bench, judged, type Part } from "../part.ts";
import { embedderTitle, MODEL, type ServerName } from "../server-profiles.ts";
import { decimals, type Table, whole } from "../table.ts";
import type { NaiveOptions } from "../tasks/naive.ts";
import type { TextsOptions } from "../tasks/texts.ts";

const SERVERS = ["instant", "gpuLike"] as const satisfies readonly ServerName[];
const OTHERS = fileURLToPath(new URL("../others", import.meta.url));
const NAIVE_SLEEP_MS = 500;

interface Rates {
  readonly naive: number;
  readonly naiveWithoutSleep: number;
  readonly langChain: number;
  readonly backscroll: number;
}

export const others: Part = async (bench) => {
  const rates = new Map<ServerName, Rates>();
  for (const server of SERVERS) rates.set(server, await measure(bench, server));
  const shown: readonly (readonly [keyof Rates, string])[] = [
    ["naive", `naive loop (batches of 100, sleeps ${NAIVE_SLEEP_MS} ms)`],
    ["naiveWithoutSleep", "naive loop without the sleep"],
    ["langChain", "LangChain.js + LanceDB (256 texts, 4 at once)"],
    ["backscroll", "Backscroll, full pace"],
  ];
  const table: Table = {
    title: "Against others: records per second, and how many times faster Backscroll is",
    columns: ["", ...SERVERS.flatMap((server) => [embedderTitle(server), "x"])],
    rows: shown.map(([way, title]) => [
      title,
      ...SERVERS.flatMap((server) => {
        const found = rates.get(server);
        const rate = found?.[way] ?? Number.NaN;
        if (found === undefined || Number.isNaN(rate)) return ["not installed", "-"];
        return [whole(rate), decimals(found.backscroll / rate, 1)];
      }),
    ]),
  };
  const times = (server: ServerName, way: keyof Rates) => {
    const found = rates.get(server);
    return (found?.backscroll ?? Number.NaN) / (found?.[way] ?? Number.NaN);
  };
  const compared = SERVERS.flatMap((server) =>
    shown
      .slice(0, -1)
      .filter(([way]) => !Number.isNaN(times(server, way)))
      .map(([way, title]) =>
        judged(`${embedderTitle(server)}, times as fast as the ${title}`, times(server, way), { atLeast: 5 }),
      ),
  );
  return {
    tables: [table],
    notes: [
      ...compared,
      "Nothing is faster than its server: where the server is the limit (GPU-like, four requests at once), a way that also " +
        "keeps it busy can be no more than a little slower.",
      ...(existsSync(join(OTHERS, "node_modules"))
        ? []
        : ["LangChain.js is not installed: npm ci --prefix bench/others"]),
    ],
    figures: Object.fromEntries(rates),
  };
};

async function measure({ quick, lab, progress }: Bench, embedder: ServerName): Promise<Rates> {
  const records = quick ? 20_000 : 100_000;
  const folder = await lab.archive(records);
  const { serverUrl } = lab;
  async function naive(sleepMs: number, limit: number): Promise<number> {
    progress(`${embedderTitle(embedder)}: the naive loop${sleepMs > 0 ? "" : " without the sleep"}`);
    const options: NaiveOptions = { folder, serverUrl, embedder, sleepMs, limit };
    const found = await lab.run<{ records: number; seconds: number }>("naive", options);
    return found.records / found.seconds;
  }
  const naiveRate = await naive(NAIVE_SLEEP_MS, quick ? 1_500 : 5_000);
  const naiveWithoutSleep = await naive(0, quick ? 6_000 : 30_000);
  progress(`${embedderTitle(embedder)}: LangChain.js`);
  const langChain = await langChainRate(
    folder,
    `${serverUrl}/${embedder}/v1`,
    (options) => lab.run("texts", options),
    quick,
  );
  await lab.remove(folder);
  progress(`${embedderTitle(embedder)}: Backscroll`);
  const own = await lab.archive(records);
  const { recordsPerSecond: backscroll } = await lab.backfill(own, embedder);
  await lab.remove(own);
  return { naive: naiveRate, naiveWithoutSleep, langChain, backscroll };
}

/** NaN when it is not installed. */
async function langChainRate(
  folder: string,
  baseUrl: string,
  writeTexts: (options: TextsOptions) => Promise<{ texts: number }>,
  quick: boolean,
): Promise<number> {
  if (!existsSync(join(OTHERS, "node_modules"))) return Number.NaN;
  const file = join(folder, "texts.json");
  const { texts } = await writeTexts({ folder, file, limit: quick ? 10_000 : 50_000 });
  const args = [join(OTHERS, "langchain.mjs"), file, baseUrl, MODEL, join(folder, "langchain")];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [said, [code]] = await Promise.all([readText(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`LangChain.js ended with ${code}`);
  const { seconds } = JSON.parse(said.trim().split("\n").at(-1) ?? "{}") as { seconds: number };
  return texts / seconds;
}
