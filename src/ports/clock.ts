// Time and waiting.

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back, and stands still while the process or its machine sleeps. For durations. */
  elapsed(): number;
  /** Resolves after `ms` awake, or at once when the signal aborts (never rejects: stopping is an outcome). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
