// The bot, stopped and killed again and again, also in the middle of catching up, on a server where things happen all the time. What
// it then holds is compared with what the stand-in for Discord holds: whenever it says that no gap is left, and at the end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createSandbox, type Sandbox } from "../../sandbox/server.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";
import { readArchive, readIndex } from "../support/mirror.ts";
import { createAwayWorld } from "./away-world.ts";
import { seeded } from "./seeded.ts";

const CHILD = join(import.meta.dirname, "../support/discord-child.ts");
/** More than a lease lasts: the next process need not wait for the dead one's to run out. */
const LATER_MS = 60_000;
/** So often a life is left in peace until it says that nothing is missing, and is then looked at. */
const CALM = 1 / 12;
/** Answers with messages take so long, so that many deaths are in the middle of catching up. */
const ANSWER_MS = 12;
const LONGEST_WAIT_MS = 120_000;

export interface AwayOptions {
  readonly stops: number;
  readonly kills: number;
  readonly seed: number;
  readonly minutes?: number;
  onLine?(line: string): void;
}

export interface AwayOutcome {
  readonly stops: number;
  readonly kills: number;
  /** How many of these ended a process that had not caught up yet. */
  readonly endedWithGaps: number;
  /** On the server at the end. */
  readonly messages: number;
  /** Missing while the bot said that nothing was, or in the end. */
  readonly missing: number;
  /** In the archive in the end, but not on the server any more. */
  readonly resurrected: number;
  /** With other words than on the server. */
  readonly outdated: number;
  /** Where archive and index differ: a record without its row, a row without a record or with other words, a row twice. */
  readonly differingRows: number;
  /** How often the bot said that nothing was missing, and was believed to be tested. */
  readonly looks: number;
  readonly happened: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly seconds: number;
}

interface Said {
  readonly event: string;
  readonly pending?: number;
  readonly rechecking?: boolean;
  readonly gaps?: { readonly isKnown: boolean; readonly channels: number };
}

export async function tortureAway(options: AwayOptions): Promise<AwayOutcome> {
  const startedAt = performance.now();
  const random = seeded(options.seed);
  const sandbox = await createSandbox({ rateLimits: false });
  const server = await startEmbeddingServer({ dimensions: 16 });
  const dataDir = await mkdtemp(join(tmpdir(), "backscroll-away-"));
  const away = createAwayWorld(sandbox, random);
  const living = new Set<ReturnType<typeof startLife>>();
  const counts = { stops: 0, kills: 0, endedWithGaps: 0, missing: 0, looks: 0 };
  const seconds = () => (performance.now() - startedAt) / 1_000;
  sandbox.faults.slow({ match: /GET .*\/messages/, delayMs: ANSWER_MS, count: Number.POSITIVE_INFINITY });

  const start = () => {
    const life = startLife(sandbox, [dataDir, server.url, away.guildId], counts.stops + counts.kills);
    living.add(life);
    return life;
  };
  const happen = (times: number) => {
    for (let n = 0; n < times; n += 1) away.happen();
  };

  /** What is missing although the bot has just said that nothing is. */
  async function look(): Promise<number> {
    const archived = await readArchive(dataDir, away.guildId);
    counts.looks += 1;
    return [...away.truth().keys()].filter((id) => !archived.has(id)).length;
  }

  try {
    // The server is listened to from here on.
    const first = start();
    await first.until("it has caught up", isCaughtUp);
    await first.end("SIGTERM");
    const wanted = options.stops + options.kills;
    while (counts.stops + counts.kills < wanted && seconds() < 60 * (options.minutes ?? 60)) {
      happen(Math.floor(random() * 12));
      const life = start();
      if (random() < CALM) {
        await life.until("it has caught up", isCaughtUp);
        const missing = await look();
        counts.missing += missing;
        if (missing > 0) options.onLine?.(`${missing} missing after ${counts.stops + counts.kills} ends`);
      } else {
        const early = random() < 0.25;
        await life.until("it is there", ({ event }) => event === (early ? "connected" : "ready"));
      }
      const endsAt = performance.now() - Math.log(1 - random()) * 500;
      while (performance.now() < endsAt) {
        if (random() < 0.7) happen(1 + Math.floor(random() * 3));
        if (random() < 0.01) sandbox.faults.dropGateway({ resumable: random() < 0.5 });
        await pause(15 + random() * 60);
      }
      const stopsLeft = options.stops - counts.stops;
      const isStop = random() * (stopsLeft + options.kills - counts.kills) < stopsLeft;
      if (!life.said.some(isCaughtUp)) counts.endedWithGaps += 1;
      await life.end(isStop ? "SIGTERM" : "SIGKILL", () => happen(Math.floor(random() * 3)));
      living.delete(life);
      counts[isStop ? "stops" : "kills"] += 1;
      const ends = counts.stops + counts.kills;
      if (ends % 5 === 0) options.onLine?.(`${ends} ends, ${away.truth().size} messages, ${Math.round(seconds())} s`);
    }
    away.reveal();
    const last = start();
    await last.until("it has caught up", isCaughtUp);
    counts.missing += await look();
    await last.until("everything is compared", (said) => isCaughtUp(said) && said.rechecking === false);
    await last.end("SIGTERM");

    const truth = away.truth();
    const archived = await readArchive(dataDir, away.guildId);
    const rows = await readIndex(dataDir, away.guildId);
    const indexed = new Map(rows);
    const without = (ids: Iterable<string>, from: { has(id: string): boolean }) =>
      [...ids].filter((id) => !from.has(id)).length;
    return {
      ...counts,
      messages: truth.size,
      missing: counts.missing + without(truth.keys(), archived),
      resurrected: without(archived.keys(), truth),
      outdated: [...truth].filter(([id, content]) => archived.has(id) && archived.get(id) !== content).length,
      differingRows:
        without(archived.keys(), indexed) +
        without(indexed.keys(), archived) +
        rows.length -
        indexed.size +
        [...archived].filter(([id, content]) => indexed.has(id) && indexed.get(id) !== content).length,
      happened: away.happened,
      seed: options.seed,
      seconds: Math.round(seconds()),
    };
  } finally {
    for (const life of living) await life.end("SIGKILL");
    await sandbox.close();
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

const isCaughtUp = ({ event, gaps, pending }: Said) =>
  event === "status" && gaps?.isKnown === true && gaps.channels === 0 && pending === 0;

function startLife({ apiUrl, token }: Sandbox, [dataDir, serverUrl, guildId]: [string, string, string], lives: number) {
  const args = [CHILD, apiUrl, token, dataDir, serverUrl, String(lives * LATER_MS), guildId, "no-commands"];
  const bot = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(bot, "exit");
  const said: Said[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: bot.stdout }).on("line", (line) => {
    said.push(JSON.parse(line) as Said);
    for (const listener of [...listeners]) listener();
  });
  bot.once("exit", () => {
    for (const listener of [...listeners]) listener();
  });

  return {
    said,
    /** Until it says so, from now on. */
    async until(what: string, check: (said: Said) => boolean): Promise<void> {
      let seen = 0;
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => {
          const last = JSON.stringify(said.slice(-3));
          done(() => reject(new Error(`never came true: ${what}; last heard: ${last}`)));
        }, LONGEST_WAIT_MS);
        const done = (settle: () => void) => {
          clearTimeout(late);
          listeners.delete(look);
          settle();
        };
        const look = () => {
          const isTrue = said.slice(seen).some(check);
          seen = said.length;
          if (isTrue) done(resolve);
          else if (bot.exitCode !== null) done(() => reject(new Error(`the bot ended by itself before: ${what}`)));
        };
        listeners.add(look);
        look();
      });
    },
    /** @param meanwhile while it ends */
    async end(signal: "SIGTERM" | "SIGKILL", meanwhile = () => {}): Promise<void> {
      if (bot.exitCode !== null || bot.signalCode !== null) return;
      bot.kill(signal);
      meanwhile();
      await exited;
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
