// A bot whose members take back what they wrote, killed again and again, also while it removes and erases. In the end, what it still
// holds is compared with a list of what may be found, and every file of its folder is looked through for what must be gone.

import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddingServer } from "../support/embedding-server.ts";
import { createSkippableClock, GUILD, openSetup } from "../support/engine.ts";
import type { Order } from "./forget-child.ts";
import { compare, held } from "./forget-deeds.ts";
import { createForgetWorld, WORD } from "./forget-world.ts";
import { seeded } from "./seeded.ts";

const CHILD = join(import.meta.dirname, "forget-child.ts");
/** More than a lease lasts, and than an erasure skips: the next process need not wait. */
const LATER_MS = 600_000;
/** The index's old versions are told by the machine's own clock. */
const KEEP_DELETED_HOURS = 1 / 3_600;
/** A killed process has been at work for so long, on average. */
const LIFE_MS = 400;
/** So often everything is left in peace until nothing is to be done, and erased. */
const DEEDS_PER_ERASURE = 60;
const LONGEST_ORDER_MS = 180_000;

export interface ForgetOutcome {
  readonly kills: number;
  readonly deeds: number;
  /** Words that are found although they must not be. */
  readonly stillFound: number;
  /** Words that must be gone and stand in some file. */
  readonly stillInFiles: number;
  /** Records that may be found and are not. */
  readonly wronglyGone: number;
  readonly seed: number;
  readonly seconds: number;
}

export async function tortureForget(options: {
  readonly kills: number;
  readonly deeds: number;
  readonly seed: number;
  onLine?(line: string): void;
}): Promise<ForgetOutcome> {
  const startedAt = performance.now();
  const random = seeded(options.seed);
  const folder = await mkdtemp(join(tmpdir(), "backscroll-forget-"));
  const server = await startEmbeddingServer({ dimensions: 16 });
  const world = createForgetWorld(random, Date.now() - 3_600_000, 1);
  let [kills, lives] = [0, 0];
  let child: ChildProcess | undefined;

  /** What it says next; undefined: it has died. */
  function answer(from: ChildProcess, mayDie: boolean): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error("a process hangs")), LONGEST_ORDER_MS);
      const settle = (said: string | undefined) => {
        clearTimeout(patience);
        from.removeAllListeners("message");
        from.removeAllListeners("exit");
        resolve(said);
      };
      from.once("message", (said: string | { readonly failed: string }) => {
        if (typeof said === "string") settle(said);
        else reject(new Error(said.failed));
      });
      from.once("exit", () => (mayDie ? settle(undefined) : reject(new Error("a process ended by itself"))));
    });
  }

  async function living(): Promise<ChildProcess> {
    if (child !== undefined) return child;
    lives += 1;
    const args = [folder, server.url, String(lives * LATER_MS), String(KEEP_DELETED_HOURS)];
    const started = fork(CHILD, args, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    await answer(started, false);
    child = started;
    return started;
  }

  /** Until it is done, in however many lives. */
  async function carryOut(order: Order): Promise<void> {
    for (;;) {
      const process = await living();
      const isKilled = kills < options.kills && random() < (2 * options.kills) / options.deeds;
      const answered = answer(process, isKilled);
      process.send(order);
      const timer = isKilled ? setTimeout(() => process.kill("SIGKILL"), -Math.log(1 - random()) * LIFE_MS) : undefined;
      const said = await answered;
      if (timer === undefined) return;
      clearTimeout(timer);
      // Also one that was quicker dies, in the middle of what it has begun.
      const isGone = new Promise((resolve) => process.once("exit", resolve));
      if (process.exitCode === null && process.signalCode === null && process.kill("SIGKILL")) await isGone;
      kills += 1;
      child = undefined;
      if (said !== undefined) return;
    }
  }

  try {
    for (let deeds = 1; deeds <= options.deeds; deeds += 1) {
      await carryOut({ deed: world.next() });
      if (deeds % DEEDS_PER_ERASURE !== 0) continue;
      await carryOut("settle");
      await carryOut("erase");
      options.onLine?.(`${deeds} deeds, ${kills} kills, ${world.alive.size} records may be found`);
    }
    while (kills < options.kills) await carryOut("settle");
    await carryOut("settle");
    await carryOut("erase");
    const last = await living();
    const gone = new Promise((resolve) => last.once("exit", resolve));
    last.disconnect();
    await gone;

    const inFiles = await wordsInFiles(folder);
    const clock = createSkippableClock();
    clock.skip((lives + 1) * LATER_MS);
    const setup = await openSetup({ folder, serverUrl: server.url, clock, claim: false });
    const { stillFound, wronglyGone } = compare(world, await held(setup, GUILD));
    await setup.stop();
    const allowed = new Set(world.alive.values());
    return {
      kills,
      deeds: options.deeds,
      stillFound: stillFound.length,
      stillInFiles: [...world.words].filter((word) => inFiles.has(word) && !allowed.has(word)).length,
      wronglyGone: wronglyGone.length,
      seed: options.seed,
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    };
  } finally {
    child?.kill("SIGKILL");
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function wordsInFiles(folder: string): Promise<Set<string>> {
  const words = new Set<string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = (await readFile(join(entry.parentPath, entry.name))).toString("latin1");
    for (const [word] of text.matchAll(WORD)) words.add(word);
  }
  return words;
}
