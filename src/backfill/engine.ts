// Analyze, start, pause, resume, status and the reports: one run per guild. The work itself is in active-run.ts.

import { toError, UserError } from "../errors.ts";
import type { Breaker } from "../indexing/breaker.ts";
import type { EmbeddingQueue } from "../indexing/embedding-queue.ts";
import type { GuildIndexes } from "../indexing/guild-indexes.ts";
import type { LiveIndexing } from "../indexing/live.ts";
import type { Ownership } from "../indexing/ownership.ts";
import type { AdminChannel, Archive, Clock, History, Logger, RunStore, SystemProbe, Versioned } from "../ports.ts";
import { type Snowflake, snowflakeAt } from "../snowflake.ts";
import { type ActiveRun, workOn } from "./active-run.ts";
import type { AlertThresholds } from "./alerts.ts";
import { analyze } from "./analyze.ts";
import type { Announcement, Backfill, PauseOutcome, StartOptions, StartOutcome } from "./backfill.ts";
import { collectForRun } from "./collect-run.ts";
import { planRun } from "./new-run.ts";
import { phaseRanges, survey } from "./plan.ts";
import { changePlan, isLeftOver, planDifferences, takenUp } from "./plan-change.ts";
import { createReporter, type Reporter } from "./progress.ts";
import { listFailures, retryFailures } from "./quarantine.ts";
import { repair } from "./repair.ts";
import { rollBack } from "./rollback.ts";
import { isActive, type Run, totals, withStatus } from "./run.ts";
import { createRunState, type RunState } from "./run-state.ts";
import { lookAtStatus } from "./status.ts";
import { createTurns } from "./turns.ts";
import { type Verification, type VerifyParts, verify as verifyRecords } from "./verify.ts";

/** A run that hangs in `pausing` longer than this can be forced by pausing again. */
const STUCK_MS = 5 * 60_000;

export interface EngineParts {
  readonly archive: Archive;
  readonly runStore: RunStore<Run>;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly queue: EmbeddingQueue;
  readonly breaker: Breaker;
  readonly live: Pick<LiveIndexing, "pending" | "idle" | "kick">;
  readonly history: History;
  readonly adminChannel: AdminChannel<Announcement>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ids of the best hits for a text, whoever asks. */
  readonly find: VerifyParts["find"];
}

export interface Engine extends Backfill {
  /** Takes up what a stopped process left, once this one owns the guild. */
  recover(guildId: Snowflake): Promise<void>;
  /** Resolves when nobody works on this guild's run (any more). */
  done(guildId: Snowflake): Promise<void>;
  /** Leaves every run to be resumed; resolves when the batches in flight are stored. */
  stop(): Promise<void>;
}

export function createEngine(parts: EngineParts): Engine {
  const { archive, runStore, indexes, ownership, live, clock, logger } = parts;
  const active = new Map<Snowflake, ActiveRun>();
  /** Starting, taking up and rolling back happen one after the other per guild. */
  const turns = createTurns();
  const reporters = new Map<Snowflake, Reporter>();

  function reporterOf(guildId: Snowflake): Reporter {
    const existing = reporters.get(guildId);
    if (existing !== undefined) return existing;
    const channelOf = async () => (await archive.settings(guildId)).adminChannelId;
    const reporter = createReporter(parts.adminChannel, channelOf, clock, logger);
    reporters.set(guildId, reporter);
    return reporter;
  }

  async function sourcesOf(guildId: Snowflake) {
    const { index, writer } = await indexes.open(guildId);
    return { archive, index, writer, quarantine: runStore };
  }

  function requireOwnership(guildId: Snowflake): void {
    if (ownership.lease(guildId) !== undefined) return;
    const holder = ownership.heldElsewhere(guildId);
    throw new UserError(
      holder === undefined
        ? "This process does not own the server's index at the moment. Nothing is lost; try again in half a minute."
        : `Another process (${holder}) looks after this server. Stop one of the two, or wait 15 seconds after it has ended.`,
    );
  }

  async function start(guildId: Snowflake, options: StartOptions): Promise<StartOutcome> {
    requireOwnership(guildId);
    return turns.take(guildId, async () => {
      await archive.saveSettings(guildId, {
        ...(await archive.settings(guildId)),
        adminChannelId: options.adminChannelId,
      });
      const stored = await runStore.load(guildId);
      if (active.has(guildId)) return { outcome: "already-running", status: await status(guildId) };
      if (stored !== undefined && isLeftOver(stored.value) && isOfThisSpace(stored.value)) {
        return await resume(guildId, stored, options);
      }
      return await startAnew(guildId, stored, options);
    });
  }

  async function startAnew(
    guildId: Snowflake,
    stored: Versioned<Run> | undefined,
    options: StartOptions,
  ): Promise<StartOutcome> {
    const analysis = await analyze(parts, guildId);
    turns.requireOpen();
    if (analysis.preflight.some(({ ok }) => !ok)) return { outcome: "refused", analysis };
    const run = planRun(analysis, options, indexes.space.fingerprint, clock.now());
    if (run === undefined) return { outcome: "nothing-to-do", analysis };
    await (await indexes.open(guildId)).index.tag(run.indexTag);
    const lease = ownership.lease(guildId);
    const saved = await runStore.save(guildId, run, stored?.stamp, lease === undefined ? {} : { lease });
    if (saved === "changed" || saved === "lease-lost") {
      throw new UserError(
        "Somebody else started or changed a backfill of this server just now. Look at /backfill status.",
      );
    }
    if (stored !== undefined) await runStore.archiveRun(guildId, stored.value);
    logger.info("run:started", { guildId, runId: run.id, pace: run.pace, planned: totals(run).planned });
    await begin(guildId, stateOf(guildId, saved));
    return { outcome: "started", status: await status(guildId) };
  }

  async function resume(guildId: Snowflake, stored: Versioned<Run>, options: StartOptions): Promise<StartOutcome> {
    const differences = planDifferences(stored.value, options);
    if (differences.length > 0 && options.changePlan === undefined) {
      return { outcome: "plan-differs", status: await status(guildId), differences };
    }
    let withPlan = (run: Run) => run;
    if (options.changePlan === true) {
      const { phases } = await survey(await sourcesOf(guildId), guildId, stored.value.cutoffId);
      withPlan = (run) => changePlan(run, options, phases);
    }
    const from = stored.value.status;
    const state = stateOf(guildId, stored);
    await state.update((run) => takenUp(withPlan(run), `resumed by an admin from ${from}`, clock.now()));
    await begin(guildId, state);
    return { outcome: "resumed", status: await status(guildId), from };
  }

  /** Takes up what a process left behind, if it is not to wait for an admin. */
  async function recover(guildId: Snowflake): Promise<void> {
    const stored = await runStore.load(guildId);
    if (stored === undefined || active.has(guildId)) return;
    const { status: left } = stored.value;
    if (left === "pausing") return settleAbandoned(guildId, stored, stored.value.reason);
    if (left !== "running" && left !== "waiting" && left !== "interrupted") return;
    const state = stateOf(guildId, stored);
    if (!isOfThisSpace(stored.value)) {
      const reason = "the embedding model was changed; type /backfill start to embed everything with the new one";
      await state.update((run) => withStatus(run, left === "interrupted" ? "paused" : "failed", reason, clock.now()));
      return;
    }
    await state.update((run) => takenUp(run, "resumed by itself after the process came back", clock.now()));
    logger.info("run:resumed", { guildId, runId: stored.value.id, from: left });
    await begin(guildId, state);
  }

  /** A run made with another model is not resumed: what it has embedded is of no use to this one. */
  const isOfThisSpace = (run: Run) => run.fingerprint === indexes.space.fingerprint;

  const stateOf = (guildId: Snowflake, stored: Versioned<Run>): RunState =>
    createRunState(runStore, guildId, () => ownership.lease(guildId), stored);

  async function begin(guildId: Snowflake, state: RunState): Promise<void> {
    const guild = await indexes.open(guildId);
    const sources = { archive, index: guild.index, writer: guild.writer, quarantine: runStore };
    const run = workOn({
      ...parts,
      guildId,
      state,
      guild,
      quarantine: runStore,
      reporter: reporterOf(guildId),
      collect: (current, update, stop) => collectForRun({ ...parts, sources }, guildId, current, update, stop),
      verify: (current) => verifyRecords({ sources, find: parts.find, clock }, guildId, current.phases, current),
      repair: (records, stop) => repair(parts, guildId, records, stop),
      onMarked: () => live.kick(guildId),
      status: () => status(guildId),
    });
    active.set(guildId, run);
    run.done
      .catch((thrown) => logger.error("run:lost", { guildId, error: toError(thrown).message }))
      .finally(() => {
        active.delete(guildId);
        // Left because the lease had run out, and it has been renewed since: this process was only slow or asleep.
        const isLeft = isActive(state.current().status) && ownership.lease(guildId) !== undefined;
        if (isLeft && !turns.isClosed()) recoverSoon(guildId);
      });
  }

  function recoverSoon(guildId: Snowflake) {
    turns
      .take(guildId, () => recover(guildId))
      .catch((thrown) => logger.error("recover:failed", { guildId, error: toError(thrown).message }));
  }

  async function pause(guildId: Snowflake, by: string): Promise<PauseOutcome> {
    await turns.finished(guildId);
    const running = active.get(guildId);
    const stored = await runStore.load(guildId);
    const outcome = await pauseStored(guildId, running, stored?.value, by);
    return { outcome, status: await status(guildId) };
  }

  async function pauseStored(
    guildId: Snowflake,
    running: ActiveRun | undefined,
    run: Run | undefined,
    by: string,
  ): Promise<PauseOutcome["outcome"]> {
    if (run?.status === "paused") return "already-paused";
    if (run === undefined || !isActive(run.status)) return "nothing-running";
    requireOwnership(guildId);
    if (running === undefined) {
      // Nobody works on it: the process that did is gone, and this one has not taken it up.
      const stored = await runStore.load(guildId);
      if (stored !== undefined) await settleAbandoned(guildId, stored, by);
      return "paused";
    }
    if (run.status === "pausing" && clock.now() - run.statusAt > STUCK_MS) {
      running.abandon();
      await running.state.update((each) =>
        each.status === "pausing" ? withStatus(each, "paused", by, clock.now()) : each,
      );
      return "forced";
    }
    await running.pause(by);
    return "pausing";
  }

  async function settleAbandoned(guildId: Snowflake, stored: Versioned<Run>, reason: string): Promise<void> {
    const state = stateOf(guildId, stored);
    await state.update((run) => {
      const pausing = run.status === "pausing" ? run : withStatus(run, "pausing", reason, clock.now());
      return withStatus(pausing, "paused", reason, clock.now());
    });
  }

  const status = (guildId: Snowflake) => lookAtStatus(parts, guildId, active.get(guildId), reporterOf(guildId).problem);

  async function verify(guildId: Snowflake, onProgress?: (records: number) => void): Promise<Verification> {
    const ranges = phaseRanges(snowflakeAt(clock.now()));
    const verifyParts = { sources: await sourcesOf(guildId), find: parts.find, clock };
    return (await verifyRecords(verifyParts, guildId, ranges, undefined, onProgress)).verification;
  }

  return {
    analyze: (guildId, onProgress) => analyze(parts, guildId, onProgress),
    start,
    pause,
    status,
    verify,
    failures: (guildId, limit) => listFailures(runStore, guildId, limit),
    retry: (guildId) => retryFailures(parts, guildId),
    rollback: (guildId, by) =>
      turns.take(guildId, async () => {
        requireOwnership(guildId);
        if (active.has(guildId))
          throw new UserError("The backfill is still at work. Pause it first, then roll it back.");
        const stored = await runStore.load(guildId);
        if (stored === undefined)
          throw new UserError("There has been no backfill of this server: nothing to take back.");
        const { writer } = await indexes.open(guildId);
        const removedRows = await rollBack(stateOf(guildId, stored), writer, by, clock.now());
        logger.info("run:rolled-back", { guildId, runId: stored.value.id, removedRows });
        return { removedRows, verification: await verify(guildId) };
      }),
    recover: async (guildId) => {
      if (!turns.isClosed()) await turns.take(guildId, () => recover(guildId));
    },
    async done(guildId) {
      await turns.finished(guildId);
      await active.get(guildId)?.done;
    },
    async stop() {
      await turns.close();
      for (const run of active.values()) run.interrupt();
      await Promise.all([...active.values()].map((run) => run.done));
    },
  };
}
