// The health lights: how the embedder, the index, the archive, disk, memory and CPU are doing right now.

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
