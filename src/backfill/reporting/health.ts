// The health lights: how the embedder, the index, the archive, disk, memory and CPU are doing right now.

import type { BreakerState } from "../../embedding/circuit-breaker.ts";
import { toError } from "../../errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { SystemProbe } from "../../ports/system.ts";
import type { VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { AlertThresholds } from "../run/alerts.ts";

/** Whoever asks for the lights does not wait for what hangs. */
const CLOCK_TOLERANCE_MS = 60_000;
const PATIENCE_MS = 5_000;

export type Light = "ok" | "warning" | "bad" | "unknown";

export interface HealthLight {
  readonly light: Light;
  /** A short fact, e.g. "41 ms per request" or "8.2 GB free". */
  readonly detail: string;
}

export interface Health {
  readonly embedder: HealthLight;
  readonly index: HealthLight;
  readonly archive: HealthLight;
  readonly disk: HealthLight;
  readonly memory: HealthLight;
  readonly cpu: HealthLight;
  /** This machine's clock beside Discord's; absent where there is no Discord. */
  readonly clock?: HealthLight | undefined;
}

export interface HealthParts {
  readonly archive: Archive;
  readonly openIndex: () => Promise<VectorIndex>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly clock: Clock;
  readonly breaker: BreakerState | undefined;
  readonly modelId: string;
  /** How far the machine's clock is ahead of Discord's; undefined when that is not known. */
  readonly aheadMs?: number | undefined;
  /** Of the latest answered request. Undefined before the first. */
  readonly requestMs: number | undefined;
}

/** A light whose fact could not be had, or not soon, is bad, and says why. */
async function lit(clock: Clock, look: () => Promise<HealthLight>): Promise<HealthLight> {
  const settled = new AbortController();
  const late = clock
    .sleep(PATIENCE_MS, settled.signal)
    .then((): HealthLight => ({ light: "bad", detail: "does not answer" }));
  try {
    return await Promise.race([look(), late]);
  } catch (thrown) {
    return { light: "bad", detail: toError(thrown).message };
  } finally {
    settled.abort();
  }
}

function embedderLight({ breaker, modelId, requestMs, thresholds }: HealthParts): HealthLight {
  if (breaker !== undefined) return { light: "bad", detail: breaker.reason };
  if (requestMs === undefined) return { light: "unknown", detail: `${modelId}, not needed yet` };
  const light = requestMs > thresholds.slowEmbeddingMs ? "warning" : "ok";
  return {
    light,
    detail: `${modelId}, answers within ${requestMs < 1_000 ? `${Math.round(requestMs)} ms` : `${Number((requestMs / 1_000).toFixed(1))} seconds`}`,
  };
}

/** What is kept goes by Discord's time; this clock still decides when things are shown to have happened. */
function clockLight(aheadMs: number): HealthLight {
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS) return { light: "ok", detail: "agrees with Discord's" };
  const detail = `${minutes === 1 ? "a minute" : `${minutes.toLocaleString("en")} minutes`} ${aheadMs > 0 ? "ahead of" : "behind"} Discord's: set this machine's clock right. No message is lost by it`;
  return { light: "warning", detail };
}

/** @param load how much there is to do for each core: 1 is all it can do at once */
function cpuLight(load: number): HealthLight {
  if (load <= 1.05) return { light: "ok", detail: `${Math.round(Math.min(1, load) * 100)} % busy` };
  const detail = `fully busy, with ${Number(load.toFixed(1))} times as much to do as it can do at once`;
  return { light: load > 1.5 ? "warning" : "ok", detail };
}

/** Looks at everything once. Never throws. */
export async function lookAtHealth(guildId: Snowflake, parts: HealthParts): Promise<Health> {
  const { archive, system, thresholds, clock } = parts;
  const [index, archiveLight, disk, memory] = await Promise.all([
    lit(clock, async () => {
      const { rows } = await (await parts.openIndex()).stats();
      return { light: "ok", detail: `${rows.toLocaleString("en")} entries` };
    }),
    lit(clock, async () => {
      await archive.settings(guildId);
      return { light: "ok", detail: "can be read" };
    }),
    lit(clock, async () => {
      const { freeBytes } = await system.disk();
      if (!Number.isFinite(freeBytes)) return { light: "ok", detail: "not needed: stored elsewhere" };
      const light = freeBytes < thresholds.diskLowBytes ? "bad" : "ok";
      return { light, detail: `${Number((freeBytes / 1e9).toFixed(1))} GB free` };
    }),
    lit(clock, async () => {
      const { usedBytes, limitBytes } = await system.memory();
      const light = usedBytes / limitBytes > thresholds.memoryHigh ? "bad" : "ok";
      return {
        light,
        detail: `${Math.round((usedBytes / limitBytes) * 100)} % of ${Number((limitBytes / 1e9).toFixed(1))} GB in use`,
      };
    }),
  ]);
  const cpu = cpuLight(system.cpuLoad());
  const aside = parts.aheadMs === undefined ? {} : { clock: clockLight(parts.aheadMs) };
  return { embedder: embedderLight(parts), index, archive: archiveLight, disk, memory, cpu, ...aside };
}
