// Upkeep in a process of its own, at low priority: in this one it would take searches and writes half of the machine, and could not
// be broken off. LanceDB takes commits from several processes; one that ends in the middle leaves the table as it was.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";
import PQueue from "p-queue";
import { scriptBeside } from "../../script-beside.ts";
import type { UpkeepAnswer } from "./upkeep-process.ts";
import type { UpkeepJob } from "./upkeep-work.ts";

/** Loading LanceDB takes a third of a second and 100 MB: kept while there may be more to do, and no longer. */
const KEEP_IDLE_MS = 20_000;

const SCRIPT = scriptBeside(import.meta.url, "upkeep-process");

export interface Upkeep {
  /**
   * One job at a time; the others wait.
   * @param signal breaks it off: what is committed stays, the rest is as if it had never begun
   * @throws the signal's reason; an Error with LanceDB's message
   */
  run(job: UpkeepJob, signal?: AbortSignal): Promise<void>;
  /** Breaks off what is under way. */
  close(): void;
}

export function createUpkeep(): Upkeep {
  const jobs = new PQueue({ concurrency: 1 });
  const closed = new AbortController();
  let child: ChildProcess | undefined;
  let resting: NodeJS.Timeout | undefined;

  function end() {
    clearTimeout(resting);
    if (child?.connected) child.disconnect();
    child = undefined;
  }

  function start(): ChildProcess {
    const started = fork(SCRIPT, { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const forget = () => {
      if (child === started) child = undefined;
    };
    started.once("exit", forget);
    // Where the system starts no more processes, say: whoever waits for its answer is told, and the next tries again.
    started.on("error", forget);
    child = started;
    // Searches and writes here come first. Before it has threads: they take over the priority. Where the system refuses, this job
    // fails with its reason, and the next goes on without.
    if (started.pid !== undefined) setPriority(started.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    return started;
  }

  async function work(job: UpkeepJob, signal: AbortSignal): Promise<void> {
    clearTimeout(resting);
    const worker = child ?? start();
    hold(worker, true);
    const settled = new AbortController();
    const listening = { signal: settled.signal };
    try {
      worker.send(job);
      const [{ error }] = await Promise.race([
        once(worker, "message", listening) as Promise<[UpkeepAnswer]>,
        once(worker, "exit", listening).then(() => Promise.reject(new Error("the upkeep process ended unexpectedly"))),
        once(signal, "abort", listening).then(() => Promise.reject(signal.reason)),
      ]);
      if (error !== undefined) throw new Error(error);
    } finally {
      settled.abort();
      if (signal.aborted) end();
      hold(worker, false);
      resting = setTimeout(end, KEEP_IDLE_MS).unref();
    }
  }

  return {
    run(job, signal) {
      const stop = signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal]);
      return jobs.add(() => {
        stop.throwIfAborted();
        return work(job, stop);
      });
    },
    close() {
      closed.abort(new Error("the index is being closed"));
      end();
    },
  };
}

/** Whether this process stays alive for the other one. */
function hold(worker: ChildProcess, isHeld: boolean): void {
  if (isHeld) {
    worker.ref();
    worker.channel?.ref();
  } else {
    worker.unref();
    worker.channel?.unref();
  }
}
