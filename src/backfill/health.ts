// The health lights: how the embedder, the index, the archive, disk, memory and CPU are doing right now.

import { toError } from "../errors.ts";
import type { BreakerState } from "../indexing/breaker.ts";
import type { Archive, SystemProbe, VectorIndex } from "../ports.ts";
import type { Snowflake } from "../snowflake.ts";
import type { AlertThresholds } from "./alerts.ts";

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
}

export interface HealthParts {
  readonly archive: Archive;
  readonly openIndex: () => Promise<VectorIndex>;
  readonly system: SystemProbe;
  readonly thresholds: AlertThresholds;
  readonly breaker: BreakerState | undefined;
  readonly modelId: string;
  /** Of the latest answered request. Undefined before the first. */
  readonly requestMs: number | undefined;
}

/** A light whose fact could not be had is bad, and says why. */
async function lit(look: () => Promise<HealthLight>): Promise<HealthLight> {
  try {
    return await look();
  } catch (thrown) {
    return { light: "bad", detail: toError(thrown).message };
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

/** @param load how much there is to do for each core: 1 is all it can do at once */
function cpuLight(load: number): HealthLight {
  if (load <= 1.05) return { light: "ok", detail: `${Math.round(Math.min(1, load) * 100)} % busy` };
  const detail = `fully busy, with ${Number(load.toFixed(1))} times as much to do as it can do at once`;
  return { light: load > 1.5 ? "warning" : "ok", detail };
}

/** Looks at everything once. Never throws. */
export async function lookAtHealth(guildId: Snowflake, parts: HealthParts): Promise<Health> {
  const { archive, system, thresholds } = parts;
  const [index, archiveLight, disk, memory] = await Promise.all([
    lit(async () => {
      const { rows } = await (await parts.openIndex()).stats();
      return { light: "ok", detail: `${rows.toLocaleString("en")} entries` };
    }),
    lit(async () => {
      await archive.settings(guildId);
      return { light: "ok", detail: "can be read" };
    }),
    lit(async () => {
      const { freeBytes } = await system.disk();
      const light = freeBytes < thresholds.diskLowBytes ? "bad" : "ok";
      return { light, detail: `${Number((freeBytes / 1e9).toFixed(1))} GB free` };
    }),
    lit(async () => {
      const { usedBytes, limitBytes } = await system.memory();
      const light = usedBytes / limitBytes > thresholds.memoryHigh ? "bad" : "ok";
      return {
        light,
        detail: `${Math.round((usedBytes / limitBytes) * 100)} % of ${Number((limitBytes / 1e9).toFixed(1))} GB in use`,
      };
    }),
  ]);
  const cpu = cpuLight(system.cpuLoad());
  return { embedder: embedderLight(parts), index, archive: archiveLight, disk, memory, cpu };
}
