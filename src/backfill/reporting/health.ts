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
  readonly detail: LightDetail;
}

/** What was found. */
export type LightDetail =
  | { readonly kind: "no-answer" }
  /** `message`: what was said instead of an answer. */
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "embedder-unused"; readonly modelId: string }
  | { readonly kind: "embedder-answers"; readonly modelId: string; readonly requestMs: number }
  | { readonly kind: "entries"; readonly rows: number }
  | { readonly kind: "readable" }
  /** Undefined: what is stored is not on a disk of this machine. */
  | { readonly kind: "disk"; readonly freeBytes: number | undefined }
  | { readonly kind: "memory"; readonly usedBytes: number; readonly limitBytes: number }
  /** How much there is to do for each core: 1 is all it can do at once. */
  | { readonly kind: "load"; readonly load: number }
  /** How far this machine's clock is ahead of Discord's; `isRight` within what does no harm. */
  | { readonly kind: "clock"; readonly aheadMs: number; readonly isRight: boolean };

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
    .then((): HealthLight => ({ light: "bad", detail: { kind: "no-answer" } }));
  try {
    return await Promise.race([look(), late]);
  } catch (thrown) {
    return { light: "bad", detail: { kind: "error", message: toError(thrown).message } };
  } finally {
    settled.abort();
  }
}

function embedderLight({ breaker, modelId, requestMs, thresholds }: HealthParts): HealthLight {
  if (breaker !== undefined) return { light: "bad", detail: { kind: "error", message: breaker.reason } };
  if (requestMs === undefined) return { light: "unknown", detail: { kind: "embedder-unused", modelId } };
  const light = requestMs > thresholds.slowEmbeddingMs ? "warning" : "ok";
  return { light, detail: { kind: "embedder-answers", modelId, requestMs } };
}

/** What is kept goes by Discord's time; this clock still decides when things are shown to have happened. */
function clockLight(aheadMs: number): HealthLight {
  const isRight = Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS;
  return { light: isRight ? "ok" : "warning", detail: { kind: "clock", aheadMs, isRight } };
}

function cpuLight(load: number): HealthLight {
  return { light: load > 1.5 ? "warning" : "ok", detail: { kind: "load", load } };
}

/** Looks at everything once. Never throws. */
export async function lookAtHealth(guildId: Snowflake, parts: HealthParts): Promise<Health> {
  const { archive, system, thresholds, clock } = parts;
  const [index, archiveLight, disk, memory] = await Promise.all([
    lit(clock, async () => {
      const { rows } = await (await parts.openIndex()).stats();
      return { light: "ok", detail: { kind: "entries", rows } };
    }),
    lit(clock, async () => {
      await archive.settings(guildId);
      return { light: "ok", detail: { kind: "readable" } };
    }),
    lit(clock, async () => {
      const { freeBytes } = await system.disk();
      if (!Number.isFinite(freeBytes)) return { light: "ok", detail: { kind: "disk", freeBytes: undefined } };
      const light = freeBytes < thresholds.diskLowBytes ? "bad" : "ok";
      return { light, detail: { kind: "disk", freeBytes } };
    }),
    lit(clock, async () => {
      const { usedBytes, limitBytes } = await system.memory();
      const light = usedBytes / limitBytes > thresholds.memoryHigh ? "bad" : "ok";
      return { light, detail: { kind: "memory", usedBytes, limitBytes } };
    }),
  ]);
  const cpu = cpuLight(system.cpuLoad());
  const aside = parts.aheadMs === undefined ? {} : { clock: clockLight(parts.aheadMs) };
  return { embedder: embedderLight(parts), index, archive: archiveLight, disk, memory, cpu, ...aside };
}
