// Task: one backfill of what is in a folder, started anew or taken up where a killed process left it.

import { EventEmitter, once } from "node:events";
import { type PaceName, type Run, totals } from "../../src/backfill/run/run.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import { GUILD } from "../records.ts";
import { ADMIN_CHANNEL, type EmbedderChoice, openSetup, type SetupOptions } from "../setup.ts";
import { type ProcessFigures, type TaskLine, watchProcess } from "../task.ts";

/** Until the lease of a killed process has run out, and some. */
const TAKE_UP_MS = 60_000;

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
  const { rows, diskBytes } = await index.stats();
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
    indexBytes: diskBytes,
    balanced: read === embedded + skipped + quarantined + unchanged,
    figures,
  };
}
