// A real process, killed at random moments and started again, must end with the index of one that nobody disturbed.

import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { totals } from "../../src/backfill/run/run.ts";
import { CANARY } from "../../src/embedding/canary.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { createSkippableClock, GUILD, history, openSetup } from "../support/engine.ts";
import type { ChildWays } from "../support/engine-child.ts";

const RECORDS = 3_000;
const LIVE_MESSAGES = 60;
const KILLS = 5;
/** More than a lease lasts. */
const LATER_MS = 600_000;
const CHILD = join(import.meta.dirname, "../support/engine-child.ts");

let server: EmbeddingServer;
let base: string;
let undisturbed: Map<string, object>;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  server = await startEmbeddingServer({ dimensions: 16, latencyMs: 12 });
  base = await mkdtemp(join(tmpdir(), "backscroll-crash-"));
  const setup = await openSetup({ folder: join(base, "seed"), server });
  await setup.archive.save(GUILD, history(RECORDS), { pending: false });
  await setup.stop();
  await cp(join(base, "seed"), join(base, "undisturbed"), { recursive: true });
  const lines = await live("undisturbed", 0);
  expect(lines.at(-1)).toMatchObject({ event: "finished", status: "succeeded" });
  undisturbed = (await look("undisturbed", 1)).rows;
  expect(undisturbed.size).toBe(RECORDS + LIVE_MESSAGES);
}, 300_000);

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await server.close();
  await rm(base, { recursive: true, force: true });
});

test("ended by SIGTERM once and by SIGKILL again and again, it loses nothing, repeats nothing and ends with the same index", async () => {
  await cp(join(base, "seed"), join(base, "ended"), { recursive: true });
  const random = seeded(20_251_122);
  const first = await live("ended", 0, { signal: "SIGTERM", afterMs: random() * 300 });
  expect(first.at(-1)).toEqual({ event: "stopped" });
  expect((await look("ended", 0)).run).toMatchObject({ status: "interrupted", reason: { kind: "process-stopped" } });
  // It gave its lease back: the next one need not wait.
  let kills = 0;
  for (; kills < KILLS; kills += 1) {
    const lines = await live("ended", kills, { signal: "SIGKILL", afterMs: random() * 400 });
    if (lines.some(({ event }) => event === "finished")) break;
  }
  expect(kills).toBeGreaterThanOrEqual(KILLS / 2);
  await expectTheSame("ended", kills);
}, 300_000);

test("killed when a server that gives texts the wrong vectors is asked for a known one, and again when that is found out, it ends with the same index", async () => {
  await cp(join(base, "seed"), join(base, "wrong"), { recursive: true });
  let [batches, asked] = [0, () => {}];
  const whenAsked = () =>
    new Promise<void>((resolve) => {
      asked = resolve;
    });
  const mend = server.misbehave("shuffled", {
    when(texts) {
      if (texts.length > 2) batches += 1;
      if (batches > 3 && texts.length > 2 && texts.includes(CANARY)) asked();
      return batches > 3;
    },
  });
  const restarts = { restarts: true };
  await live("wrong", 0, { signal: "SIGKILL", afterMs: 5, since: whenAsked() }, restarts);
  await live("wrong", 1, { signal: "SIGKILL", afterMs: 40, since: whenAsked() }, restarts);
  mend();
  for (let lives = 2; lives < 5; lives += 1) {
    const lines = await live("wrong", lives, undefined, restarts);
    if (lines.at(-1)?.status === "succeeded") break;
  }
  const { rows, run } = await look("wrong", 6);
  expect(run.status).toBe("succeeded");
  expect(rows).toEqual(undisturbed);
}, 120_000);

async function expectTheSame(folder: string, lives: number): Promise<void> {
  const lines = await live(folder, lives);
  expect(lines.at(-1)).toMatchObject({ event: "finished", status: "succeeded" });
  const { rows, run } = await look(folder, lives + 1);
  expect([...rows.keys()].filter((key) => key.endsWith("duplicate"))).toEqual([]);
  expect([...undisturbed.keys()].filter((key) => !rows.has(key))).toEqual([]);
  expect(rows).toEqual(undisturbed);
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, unchanged: 0, quarantined: 0, remaining: 0 });
}

type Line = { readonly event: string; readonly status?: string };

/** One life of the process: to its end, or until the signal so long after it set to work. */
async function live(
  folder: string,
  lives: number,
  end?: { readonly signal: NodeJS.Signals; readonly afterMs: number; readonly since?: Promise<void> },
  ways: ChildWays = {},
): Promise<Line[]> {
  const given = [join(base, folder), server.url, String(lives * LATER_MS), String(LIVE_MESSAGES), JSON.stringify(ways)];
  const child = spawn(process.execPath, [CHILD, ...given], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const lines: Line[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line.event !== "working" || end === undefined) continue;
    const { signal, afterMs, since = Promise.resolve() } = end;
    void since.then(() => setTimeout(() => child.kill(signal), afterMs));
  }
  await exited;
  children.delete(child);
  return lines;
}

/** What a folder holds, seen by a process that comes after `lives` others. */
async function look(folder: string, lives: number) {
  const clock = createSkippableClock();
  clock.skip(lives * LATER_MS);
  const setup = await openSetup({ folder: join(base, folder), server, clock, claim: false });
  const found = { rows: await setup.rows(), run: await setup.run() };
  await setup.stop();
  return found;
}

/** Numbers from 0 to 1, the same in every run of the test (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
