// What the optional port tells of this process: whether it works, and in figures how it is doing.

import { createMetrics, type GuildFigures, type Metrics } from "../adapters/prometheus/metrics.ts";
import { type HealthServer, serveHealth } from "../adapters/prometheus/server.ts";
import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import { totals } from "../backfill/run/run.ts";
import type { Spending } from "../embedding/spending.ts";
import { toError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { SystemProbe } from "../ports/system.ts";
import type { Search } from "../search/search.ts";
import type { Snowflake } from "../snowflake.ts";
import type { HealthPort } from "./config.ts";

/** Asking every server's stores costs; whoever reads more often sees the same figures. */
const FRESH_MS = 5_000;
/** Of more servers than this only those with a backfill at work are told of one by one: asking all would take longer than they wait. */
const GUILDS_TOLD = 100;

export interface HealthPortParts {
  readonly guildIds: () => readonly Snowflake[];
  /** Those with a backfill at work. */
  readonly atWork: () => readonly Snowflake[];
  /** Undefined until the commands work. */
  readonly status: () => ((guildId: Snowflake) => Promise<BackfillStatus>) | undefined;
  /** Of the embedding server; undefined until it is known, and where nothing is counted. */
  readonly spending: () => Spending | undefined;
  /** What the start waits for, as long as it does. */
  readonly waitingFor: () => string;
  readonly isConnected: () => boolean;
  readonly system: SystemProbe;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface OpenHealthPort extends Pick<Metrics, "measured" | "upkeepFailed">, Pick<HealthServer, "close"> {
  /** The same search, timed. */
  timed(search: Search): Search;
}

/**
 * @param address undefined: no port is opened, and nothing measured
 * @throws UserError when the port cannot be opened
 */
export async function openHealthPort(
  address: HealthPort | undefined,
  parts: HealthPortParts,
): Promise<OpenHealthPort | undefined> {
  if (address === undefined) return undefined;
  const { system, clock, logger } = parts;
  let latest: { readonly at: number; readonly guilds: Promise<GuildFigures[]> } | undefined;

  async function figuresOf(guildId: Snowflake): Promise<GuildFigures[]> {
    try {
      const status = await parts.status()?.(guildId);
      return status === undefined ? [] : [toFigures(status)];
    } catch (thrown) {
      logger.warn("metrics:guild-failed", { guildId, error: toError(thrown).message });
      return [];
    }
  }

  async function lookAtGuilds(): Promise<GuildFigures[]> {
    const figures: GuildFigures[] = [];
    const all = parts.guildIds();
    const told = all.length <= GUILDS_TOLD ? all : parts.atWork().slice(0, GUILDS_TOLD);
    for (const guildId of told) figures.push(...(await figuresOf(guildId)));
    return figures;
  }

  function freshGuilds(): Promise<GuildFigures[]> {
    const at = clock.elapsed();
    if (latest === undefined || at - latest.at > FRESH_MS) latest = { at, guilds: lookAtGuilds() };
    return latest.guilds;
  }

  const metrics = createMetrics(async () => {
    const spending = parts.spending();
    await spending
      ?.refresh()
      .catch((thrown) => logger.warn("metrics:spending-failed", { error: toError(thrown).message }));
    const [guilds, disk, memory] = await Promise.all([freshGuilds(), system.disk(), system.memory()]);
    return {
      ready: parts.status() !== undefined,
      connected: parts.isConnected(),
      guildCount: parts.guildIds().length,
      guilds,
      spending: spending?.state(),
      diskFreeBytes: disk.freeBytes,
      memoryUsedBytes: memory.usedBytes,
      memoryLimitBytes: memory.limitBytes,
    };
  });

  function health() {
    const ready = parts.status() !== undefined;
    const connected = parts.isConnected();
    const problem = !ready ? parts.waitingFor() : connected ? undefined : "Discord is not connected";
    return { ok: ready && connected, ready, connected, guilds: parts.guildIds().length, ...(problem && { problem }) };
  }

  const server = await serveHealth({ health, metrics: metrics.read }, address, logger);
  return {
    measured: metrics.measured,
    upkeepFailed: metrics.upkeepFailed,
    timed: (search) => ({ ...search, search: (request) => metrics.timeSearch(() => search.search(request)) }),
    close: server.close,
  };
}

function toFigures({
  guildId,
  livePending,
  quarantined,
  alerts,
  run,
  recordsPerSecond = 0,
}: BackfillStatus): GuildFigures {
  const figures = { guildId, pending: livePending, setAside: quarantined, alerts: alerts.map(({ name }) => name) };
  if (run === undefined) return figures;
  const { planned: _planned, read: _read, ...records } = totals(run);
  return { ...figures, run: { status: run.status, records, recordsPerSecond } };
}
