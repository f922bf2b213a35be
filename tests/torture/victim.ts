// One folder with the archive and index of a bot, the lives and deaths of processes that work on it, and what they leave.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { StoresConfig } from "../../src/app/stores-config.ts";
import { currentPhase, type Run, totals } from "../../src/backfill/run/run.ts";
import { createSkippableClock, openSetup, type Setup, type SetupOptions } from "../support/engine.ts";
import type { ChildWays } from "../support/engine-child.ts";

/** More than a lease lasts, and than a life's own clock is moved on (its setup skips the measuring before a start). */
const LATER_MS = 600_000;
/** A life that is not ended and does not end by itself is a finding. On a machine with much else to do an undisturbed one took a minute. */
const LONGEST_LIFE_MS = 600_000;

export interface Life {
  /** "finished": the run has ended; "refused": the one before is taken for alive. */
  readonly ended: "finished" | "killed" | "refused" | "broken" | "hung";
  /** It owned the guild. */
  readonly worked: boolean;
  /** From its first line to its end. */
  readonly tookMs: number;
}

export interface Victim {
  /**
   * Starts a process and kills it so long after it has begun to open the folder, unless it is done before.
   * @param isLate false: at once after the one before it, when that one's lease is still good
   * @param onOpened it has opened its stores
   */
  live(killAfterMs?: number, isLate?: boolean, onOpened?: () => void): Promise<Life>;
  /** From now on its processes have another model server. */
  useModel(serverUrl: string, served: NonNullable<ChildWays["served"]>): void;
  /** The folder opened as by another process, which only looks. */
  open(): Promise<Setup>;
  /** What the run was at when it was left. */
  state(): Promise<string>;
  look(): Promise<{ rows: Map<string, object>; run: Run }>;
}

/**
 * @param child the compiled engine-child
 * @param stores undefined: in the folder
 * The processes' clock is moved on by more than a lease with every life, instead of waiting 15 seconds for the dead one's to run
 * out: leases are taken, renewed, checked before every commit and expire by exactly the code and the durations of production.
 */
export function createVictim(
  folder: string,
  child: string,
  serverUrl: string,
  liveMessages: number,
  stores?: StoresConfig,
  changes?: string,
): Victim {
  let lives = 0;
  let model: Pick<SetupOptions, "serverUrl" | "served"> & { readonly serverUrl: string } = { serverUrl };

  async function open() {
    const clock = createSkippableClock();
    clock.skip((lives + 1) * LATER_MS);
    return await openSetup({ folder, ...model, clock, claim: false, ...(stores && { stores }) });
  }

  return {
    open,
    useModel(url, served) {
      model = { serverUrl: url, served };
    },
    async live(killAfterMs, isLate = true, onOpened = () => {}) {
      if (isLate) lives += 1;
      const laterMs = lives * LATER_MS;
      const { served } = model;
      const ways: ChildWays = { ...(stores && { stores }), ...(served && { served }), ...(changes && { changes }) };
      const args = [child, folder, model.serverUrl, String(laterMs), String(liveMessages), JSON.stringify(ways)];
      const victim = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const exited = new Promise<void>((resolve) => victim.once("exit", () => resolve()));
      const said = new Set<string>();
      let bornAt = performance.now();
      let hung = false;
      const patience = setTimeout(() => {
        hung = victim.kill("SIGKILL");
      }, LONGEST_LIFE_MS);
      for await (const line of createInterface({ input: victim.stdout })) {
        const { event } = JSON.parse(line) as { event: string };
        said.add(event);
        if (event === "opened") onOpened();
        if (event !== "opening") continue;
        bornAt = performance.now();
        if (killAfterMs !== undefined) setTimeout(() => victim.kill("SIGKILL"), killAfterMs).unref();
      }
      await exited;
      clearTimeout(patience);
      const wasKilled = victim.signalCode === "SIGKILL";
      const ended = said.has("finished")
        ? "finished"
        : hung
          ? "hung"
          : wasKilled
            ? "killed"
            : said.has("refused")
              ? "refused"
              : "broken";
      return { ended, worked: said.has("working"), tookMs: performance.now() - bornAt };
    },

    async state() {
      const setup = await open();
      try {
        if ((await setup.status()) === undefined) return "before the start";
        const run = await setup.run();
        const phase = currentPhase(run);
        if (phase === undefined) return run.status === "succeeded" ? "after the end" : "final check";
        return totals(run).read === 0 ? "before a checkpoint" : `phase ${phase.name}`;
      } finally {
        await setup.stop();
      }
    },

    async look() {
      const setup = await open();
      try {
        return { rows: await setup.rows(), run: await setup.run() };
      } finally {
        await setup.stop();
      }
    },
  };
}
