// A guild's alerts over the lives of its runs and of this process: they outlast the run that raised them, are remembered in it, and
// are followed until they are over. Posts each one once when it begins and once when it ends.

import type { Breaker, BreakerState } from "../../embedding/circuit-breaker.ts";
import type { Spending } from "../../embedding/spending.ts";
import { levelOf, toError } from "../../errors.ts";
import type { Ownership } from "../../indexing/guild-index/ownership.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { SystemProbe } from "../../ports/system.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Alert, AlertThresholds } from "../run/alerts.ts";
import type { RunReason, StorageTrouble, WaitingFor } from "../run/facts.ts";
import type { Run } from "../run/run.ts";
import { type AlertMonitor, createAlertMonitor } from "./alerts.ts";
import type { BackfillStatus } from "./announcements.ts";
import type { Reporter } from "./progress.ts";

const LOOK_EVERY_MS = 1_000;
/** What is over by then is no alert. */
const HICCUP_MS = 3_000;
/** A server that answers every third time is down for so long again and again: that is for the failure rate to tell. */
const EMBEDDER_HICCUP_MS = 10_000;

/** A run at work, as its guild's alerts see it. */
export interface WatchedRun {
  current(): Run;
  waitingFor(): WaitingFor | undefined;
  pause(reason: RunReason): Promise<void>;
}

export interface GuildAlerts extends Pick<AlertMonitor, "request" | "batch" | "progress" | "active"> {
  /** A run is at work from now on. */
  begin(run: WatchedRun): void;
  /**
   * It no longer is.
   * @param isLeft it will be gone on with: what only a run can suffer from is not over
   * @param because why it had to be left, if it had
   */
  end(isLeft: boolean, because?: StorageTrouble): void;
  /** Goes on with what the archive remembers, e.g. after a restart. */
  restore(run: Run): void;
  stop(): Promise<void>;
}

export interface GuildAlertsParts {
  readonly thresholds: AlertThresholds;
  readonly system: SystemProbe;
  readonly breaker: Breaker;
  /** Undefined where nothing is counted. */
  readonly spending: Spending | undefined;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * @param update changes the stored run, whoever works on it
 * @param status what posts show
 */
export function createGuildAlerts(
  parts: GuildAlertsParts,
  guildId: Snowflake,
  reporter: Reporter,
  update: (change: (run: Run) => Run) => Promise<unknown>,
  status: () => Promise<BackfillStatus>,
): GuildAlerts {
  const { breaker, clock, logger, ownership } = parts;
  const stopped = new AbortController();
  const monitor = createAlertMonitor({
    thresholds: parts.thresholds,
    system: parts.system,
    clock,
    onRaised: (alert) => tell("alert-raised", alert),
    onResolved: (alert) => tell("alert-resolved", alert),
  });
  let run: WatchedRun | undefined;
  /** Why it was left, to be gone on with, and when. */
  let left: { readonly reason: StorageTrouble | undefined; readonly at: number } | undefined;
  /** They are on, or off, and the archive does not know yet. */
  let isUnsaved = false;
  let looking: Promise<void> | undefined;
  let telling = Promise.resolve();

  const failed = (thrown: unknown) =>
    logger[levelOf(thrown)]("alerts:failed", { guildId, error: toError(thrown).message });

  async function remember(): Promise<void> {
    const alerts = [...monitor.active()];
    await update((each) => ({ ...each, alerts }));
    isUnsaved = false;
  }

  /** One after the other. The post is made even when the archive cannot be written. */
  function tell(kind: "alert-raised" | "alert-resolved", alert: Alert) {
    isUnsaved = true;
    logger.info(`alert:${kind === "alert-raised" ? "raised" : "resolved"}`, { guildId, alert: alert.name });
    telling = telling.then(async () => {
      await remember().catch(failed);
      await reporter.post({ kind, alert, status: await status() });
    });
    telling = telling.catch(failed);
  }

  async function look(): Promise<void> {
    if (left === undefined && ownership.lease(guildId) === undefined) return;
    if (left !== undefined && (left.reason === undefined || clock.elapsed() - left.at < HICCUP_MS)) return;
    const open = breaker.state();
    // That the archive is away is told by others.
    await parts.spending?.refresh().catch(() => undefined);
    const stopBecause = await monitor.check({
      run: run && { isRunning: run.current().status === "running", waitingFor: run.waitingFor() },
      // A hiccup that is over after some seconds is no alert.
      embedderDown: isAlarming(open) ? open?.reason : undefined,
      storageDown: left?.reason,
      spending: parts.spending?.state(),
    });
    if (stopBecause !== undefined) await run?.pause(stopBecause);
    if (isUnsaved) telling = telling.then(remember).catch(failed);
  }

  /** Once it was an alert, also of the process before, it is one until the embedder answers. */
  function isAlarming(open: BreakerState | undefined): boolean {
    if (open === undefined) return false;
    const isLasting = open.probes > 0 && clock.now() - open.openedAt >= EMBEDDER_HICCUP_MS;
    return isLasting || monitor.active().some(({ name }) => name === "embedder-down");
  }

  async function keepLooking(): Promise<void> {
    const isWatching = () => run !== undefined || left !== undefined || monitor.active().length > 0;
    while (!stopped.signal.aborted && isWatching()) {
      if (ownership.heldElsewhere(guildId) !== undefined) {
        left = undefined;
        monitor.restore([]);
      }
      await look().catch(failed);
      await clock.sleep(LOOK_EVERY_MS, stopped.signal);
    }
    looking = undefined;
  }

  return {
    request: monitor.request,
    batch: monitor.batch,
    progress: monitor.progress,
    active: monitor.active,
    begin(begun) {
      run = begun;
      left = undefined;
      monitor.begin();
      looking ??= keepLooking();
    },
    end(isLeft, reason) {
      run = undefined;
      left = isLeft ? { reason, at: clock.elapsed() } : undefined;
    },
    restore({ alerts = [], breaker: saved }) {
      left = undefined;
      // What is known here is newer.
      if (!isUnsaved && monitor.active().length === 0) monitor.restore(alerts);
      if (saved !== undefined) breaker.restore(saved);
      if (monitor.active().length > 0) looking ??= keepLooking();
    },
    async stop() {
      stopped.abort();
      await looking;
      await telling;
    },
  };
}
