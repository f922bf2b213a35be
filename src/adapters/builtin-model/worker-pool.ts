// The built-in model's worker threads: gives work to the least busy one, replaces one that died, ends them all.

import { Worker } from "node:worker_threads";
import { TransientError } from "../../errors.ts";
import { scriptBeside } from "../../script-beside.ts";
import type { ModelTables } from "./static-model.ts";
import type { WorkerAnswer, WorkerRequest } from "./worker.ts";

export interface WorkerPool {
  /**
   * @returns the vectors of the texts, one after the other
   * @throws TransientError when the worker dies over it, the signal's reason when aborted
   */
  run(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}

interface Seat {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<Float32Array>>;
}

const CLOSED = "The built-in model is closed";
const WORKER_URL = scriptBeside(import.meta.url, "worker");

/** @param workerUrl the script that answers `WorkerRequest`s */
export function createWorkerPool(size: number, tables: ModelTables, workerUrl: URL = WORKER_URL): WorkerPool {
  let nextId = 0;
  let closed = false;
  const seats: Seat[] = Array.from({ length: size }, startWorker);

  function startWorker(): Seat {
    const worker = new Worker(workerUrl, { name: "backscroll-model", workerData: tables, execArgv: [] });
    const seat: Seat = { worker, jobs: new Map() };
    worker.on("message", (answer: WorkerAnswer) => {
      const job = seat.jobs.get(answer.id);
      if ("vectors" in answer) job?.resolve(answer.vectors);
      else job?.reject(new Error(`The built-in model failed: ${answer.error}`));
    });
    worker.on("error", (error) => leave(seat, error));
    worker.on("exit", () => leave(seat, undefined));
    return seat;
  }

  /** Fails what a dead worker was doing. Its seat stays empty until there is work, so a worker that cannot start does not loop. */
  function leave(seat: Seat, cause: Error | undefined): void {
    const place = seats.indexOf(seat);
    if (place >= 0) seats.splice(place, 1);
    const detail = cause ? `: ${cause.message}` : "";
    for (const job of seat.jobs.values()) {
      job.reject(
        new TransientError(`A worker of the built-in model ended${detail}. A fresh one takes over.`, { cause }),
      );
    }
    seat.jobs.clear();
  }

  function leastBusySeat(): Seat {
    if (seats.length < size) seats.push(startWorker());
    return seats.reduce((best, seat) => (seat.jobs.size < best.jobs.size ? seat : best));
  }

  return {
    async run(texts, signal) {
      if (closed) throw new Error(CLOSED);
      const { jobs, worker } = leastBusySeat();
      const id = nextId++;
      const job = Promise.withResolvers<Float32Array>();
      // The worker finishes it all the same, within milliseconds; its answer finds nobody.
      const abort = () => job.reject(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      jobs.set(id, job);
      worker.postMessage({ id, texts } satisfies WorkerRequest);
      try {
        return await job.promise;
      } finally {
        signal?.removeEventListener("abort", abort);
        jobs.delete(id);
      }
    },
    async close() {
      closed = true;
      await Promise.all(seats.map(({ worker }) => worker.terminate()));
    },
  };
}
