// Task: one backfill of what is in a folder, started anew or taken up where a killed process left it.

import { EventEmitter, once } from "node:events";
import { readdir } from "node:fs/promises";
import { diskBytes } from "../../src/adapters/lancedb/disk-bytes.ts";
import { type PaceName, type Run, totals } from "../../src/backfill/run/run.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import { GUILD } from "../records.ts";
import { ADMIN_CHANNEL, type EmbedderChoice, indexFolder, openSetup, type SetupOptions } from "../setup.ts";
import { type ProcessFigures, type TaskLine, watchProcess } from "../task.ts";

/** Until the lease of a killed process has run out, and some. */
const TAKE_UP_MS = 60_000;
const DISK_EVERY_MS = 500;

export interface BackfillOptions extends EmbedderChoice, Pick<SetupOptions, "stores"> {
  readonly folder: string;
  /** Default: the only one of the folder. */
  readonly guildId?: Snowflake;
  /** One of several processes that begin together: it says "ready", and starts when it hears anything. */
  readonly together?: boolean;
  /** Default: full. */
  readonly pace?: PaceName;
  /** Wait for the run that a killed process left, instead of starting one. */
  readonly resume?: boolean;
  /** Watches the disk, in a data folder. */
  readonly disk?: boolean;
}

/** Bytes of the index, all versions. */
export interface DiskFigures {
  /** As `analyze` told before: of what is needed at most. */
  readonly estimated: number;
  /** At any time until the run's end. */
  readonly peak: number;
  /** After the upkeep that comes half an hour later. */
  readonly settled: number;
}

export interface BackfillResult {
  readonly embedded: number;
  /** The first record read, and the last row stored and found by searches, on the clock that all processes share. */
  readonly begunAtMs: number;
  readonly storedAtMs: number;
  /** Between the two. */
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** The look at everything before the start, and upkeep and verification after the end. */
  readonly analysisSeconds: number;
  readonly finishSeconds: number;
  /** Of a run that was taken up: since the process began, until it went on and until the first checkpoint after that. */
  readonly resumedAfterSeconds: number;
  readonly firstCheckpointAfterSeconds: number;
  readonly rows: number;
  readonly indexBytes: number;
  readonly disk: DiskFigures | undefined;
  readonly balanced: boolean;
  readonly figures: ProcessFigures;
}

export async function run(options: BackfillOptions, line: TaskLine): Promise<BackfillResult> {
  const { guildId = GUILD, together = false } = options;
  const watched = watchProcess();
  const at = { begun: 0, resumed: Number.NaN, firstCheckpoint: Number.NaN, phasesDone: 0 };
  const told = new EventEmitter();
  let readBefore = -1;
  /** Of the phases; upkeep and verification come after. */
  let figures: ProcessFigures | undefined;

  function onRunStored(stored: Run) {
    const { read } = totals(stored);
    if (readBefore >= 0 && read > readBefore && Number.isNaN(at.firstCheckpoint))
      at.firstCheckpoint = performance.now();
    readBefore = read;
    line.say("progress", { read });
    if (figures === undefined && stored.phases.every(({ cursor }) => cursor === undefined)) {
      at.phasesDone = performance.now();
      figures = watched.figures();
    }
  }

  function onLog(event: string) {
    if (event === "phase:started" && at.begun === 0) {
      at.begun = performance.now();
      watched.reset();
    }
    if (event === "run:resumed") {
      at.resumed = performance.now();
      told.emit("resumed");
    }
  }

  const setup = await openSetup({ ...options, onRunStored, onLog });
  const { engine } = setup.core;
  const watchedDisk = options.disk ? await watchDisk(setup, guildId, options.folder) : undefined;
  const openedAt = performance.now();
  const resumed = options.resume ? once(told, "resumed", { signal: AbortSignal.timeout(TAKE_UP_MS) }) : undefined;
  await setup.core.enter(guildId);
  if (together) {
    line.say("ready");
    await line.hear();
  }
  if (resumed === undefined) {
    const { outcome } = await engine.start(guildId, {
      pace: options.pace ?? "full",
      adminChannelId: ADMIN_CHANNEL,
      startedBy: "1",
    });
    if (outcome !== "started") throw new Error(`the backfill is ${outcome}`);
  } else await resumed;
  await engine.done(guildId);
  const endedAt = performance.now();

  const stored = (await setup.runStore.load(guildId))?.value;
  if (stored?.status !== "succeeded")
    throw new Error(`the run is ${stored?.status}: ${JSON.stringify(stored?.reason)}`);
  const { read, embedded, skipped, quarantined, unchanged } = totals(stored);
  const index = await setup.indexStore.open(guildId, { ...setup.embedder.space, fingerprint: stored.fingerprint });
  const { rows, diskBytes: indexBytes } = await index.stats();
  const disk = await watchedDisk?.end(() => index.optimize({ keepVersionsMs: 0 }));
  await setup.close();
  if (figures === undefined) throw new Error("the run has no end");
  const seconds = (at.phasesDone - at.begun) / 1000;
  return {
    embedded,
    begunAtMs: performance.timeOrigin + at.begun,
    storedAtMs: performance.timeOrigin + at.phasesDone,
    seconds,
    recordsPerSecond: embedded / seconds,
    analysisSeconds: (at.begun - openedAt) / 1000,
    finishSeconds: (endedAt - at.phasesDone) / 1000,
    resumedAfterSeconds: at.resumed / 1000,
    firstCheckpointAfterSeconds: at.firstCheckpoint / 1000,
    rows,
    indexBytes,
    disk,
    balanced: read === embedded + skipped + quarantined + unchanged,
    figures,
  };
}

async function watchDisk({ core }: Awaited<ReturnType<typeof openSetup>>, guildId: Snowflake, folder: string) {
  await core.enter(guildId);
  const { diskNeededBytes: estimated } = await core.engine.analyze(guildId);
  async function now(): Promise<number> {
    const tables = (await readdir(indexFolder(folder))).filter((name) => name.endsWith(".lance"));
    const sizes = await Promise.all(
      tables.map((name) => diskBytes(indexFolder(folder), name.slice(0, -".lance".length))),
    );
    return sizes.reduce((total, size) => total + size, 0);
  }
  let peak = 0;
  const look = async () => {
    // A folder may go while it is read.
    peak = Math.max(peak, await now().catch(() => 0));
  };
  const looking = setInterval(() => void look(), DISK_EVERY_MS);
  return {
    async end(settle: () => Promise<void>): Promise<DiskFigures> {
      await look();
      clearInterval(looking);
      await settle();
      return { estimated, peak, settled: await now() };
    },
  };
}
