// Draws charts as PNG pictures in a worker thread of their own, one at a time: the event loop never waits for one, and what drawing
// loads into memory is gone with its thread.

import { Worker } from "node:worker_threads";
import type { TopLevelSpec } from "vega-lite";
import { toError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { scriptBeside } from "../../script-beside.ts";
import type { Drawing, DrawingOrder } from "./worker.ts";

/** A cold start takes about a second; nobody waits much longer for a picture. */
const DEADLINE_MS = 15_000;
/** Sharp on screens with two pixels per point. */
const SCALE = 2;

export interface ChartDrawer {
  /** @param spec a Vega-Lite specification @returns a PNG, or undefined when it could not be drawn (the log says why) */
  draw(spec: Readonly<Record<string, unknown>>): Promise<Uint8Array | undefined>;
  /** Gives up what is being drawn. */
  close(): Promise<void>;
}

const WORKER_URL = scriptBeside(import.meta.url, "worker");

export function createChartDrawer(logger: Logger, deadlineMs = DEADLINE_MS): ChartDrawer {
  const closed = new AbortController();
  let latest: Promise<unknown> = Promise.resolve();

  async function drawNow(spec: TopLevelSpec): Promise<Uint8Array | undefined> {
    if (closed.signal.aborted) return undefined;
    try {
      return await drawInWorker(
        { spec, scale: SCALE },
        AbortSignal.any([closed.signal, AbortSignal.timeout(deadlineMs)]),
      );
    } catch (thrown) {
      if (!closed.signal.aborted) logger.warn("chart:not-drawn", { reason: toError(thrown).message });
      return undefined;
    }
  }

  return {
    draw(spec) {
      const drawing = latest.then(() => drawNow(spec as unknown as TopLevelSpec));
      latest = drawing;
      return drawing;
    },
    async close() {
      closed.abort();
      await latest;
    },
  };
}

async function drawInWorker(order: DrawingOrder, signal: AbortSignal): Promise<Uint8Array> {
  const worker = new Worker(WORKER_URL, { name: "backscroll-chart", workerData: order, execArgv: [] });
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      worker.once("message", ({ png }: Drawing) => resolve(png));
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the drawing thread ended with ${code}`)));
      signal.addEventListener("abort", () => reject(toError(signal.reason)), { once: true });
    });
  } finally {
    await worker.terminate();
  }
}
