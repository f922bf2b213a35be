// What runs in a process of its own, so that one measurement does not warm, fill or block another: the shape of a task, and what
// the process tells of itself. child.ts is the process, lab.ts starts it.

import { monitorEventLoopDelay } from "node:perf_hooks";

/** What a task hears and says while it works. */
export interface TaskLine {
  say(event: string, facts?: object): void;
  /** Resolves with the next thing the bench says. */
  hear(): Promise<{ readonly event: string; readonly facts: Record<string, unknown> }>;
}

export type Task<Options, Result> = (options: Options, line: TaskLine) => Promise<Result>;

export interface ProcessFigures {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  /** Most of JavaScript's heap and external memory at once. Bytes. */
  readonly heapPeakBytes: number;
  readonly rssPeakBytes: number;
  /** How late timers fired. Milliseconds. */
  readonly loopP50Ms: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

const SAMPLE_EVERY_MS = 50;
/** The timer whose lateness is measured; its own period is part of what is recorded. */
const LOOP_RESOLUTION_MS = 2;

/** Begins to watch this process. @returns what was seen since then or since the last `reset` */
export function watchProcess() {
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  let cpuBefore = process.cpuUsage();
  let heapPeakBytes = 0;
  let rssPeakBytes = 0;
  const sample = () => {
    const { heapUsed, external, rss } = process.memoryUsage();
    heapPeakBytes = Math.max(heapPeakBytes, heapUsed + external);
    rssPeakBytes = Math.max(rssPeakBytes, rss);
  };
  const sampling = setInterval(sample, SAMPLE_EVERY_MS);
  sampling.unref();
  loop.enable();
  const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - LOOP_RESOLUTION_MS);
  return {
    figures(): ProcessFigures {
      sample();
      const cpu = process.cpuUsage(cpuBefore);
      return {
        userSeconds: cpu.user / 1e6,
        systemSeconds: cpu.system / 1e6,
        heapPeakBytes,
        rssPeakBytes,
        loopP50Ms: lateMs(loop.percentile(50)),
        loopP99Ms: lateMs(loop.percentile(99)),
        loopMaxMs: lateMs(loop.max),
      };
    },
    reset() {
      loop.reset();
      cpuBefore = process.cpuUsage();
      heapPeakBytes = 0;
      rssPeakBytes = 0;
    },
  };
}
