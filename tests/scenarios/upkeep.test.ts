// Index upkeep cut off anywhere, by kill -9 or because the bot stops: it changes no row, and the next one does it all.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import { putInOrder } from "../../src/indexing/guild-index/upkeep.ts";
import type { VectorIndex } from "../../src/ports/vector-index.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { matching, nearest } from "../support/index-searches.ts";
import { tallSpace, upkeepRows } from "../support/upkeep-rows.ts";

/** Enough for a vector index of vectors as long as these. */
const ROWS = 10_400;
const FIRST_ID = 100_000;
/** Milliseconds after upkeep has begun; its process takes a third of a second to start. The indexes are built last. */
const KILLED_AFTER_MS = [400, 700, 1_100, 1_700, 2_500, 500, 800, 1_200];
const CHILD = join(import.meta.dirname, "../support/upkeep-child.ts");

const never = new AbortController().signal;

let base: string;
let folder: string;
/** Where the killed processes put aside what they sort. */
let scratch: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "backscroll-upkeep-"));
  [folder, scratch] = [join(base, "index"), join(base, "scratch")];
  await mkdir(scratch);
  await opened(async (index) => {
    for (let n = 0; n < ROWS; n += 2_600) await index.write(upkeepRows(FIRST_ID + n, 2_600), { fresh: true });
  });
}, 120_000);
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(() => rm(base, { recursive: true, force: true }));

test("killed in the middle of it again and again, the index stays sound and complete", async () => {
  const ids = new Set(Array.from({ length: ROWS }, (_, n) => String(FIRST_ID + n)));
  let next = FIRST_ID + ROWS;
  for (const afterMs of KILLED_AFTER_MS) {
    const written = await killedDuringUpkeep(next, afterMs);
    expect(written.length).toBeGreaterThan(0);
    for (const from of written) for (let n = 1; n < 200; n += 1) ids.add(String(from + n));
    next += 10_000;
    // A write that was cut off before it was told of is there as a whole, or not at all.
    const found = await opened(idsIn);
    const rest = found.filter((id) => !ids.has(id));
    expect([0, 199, 200]).toContain(rest.length);
    for (const id of rest) ids.add(id);
    expect(found).toHaveLength(ids.size);
    expect(new Set(found)).toEqual(ids);
  }
  await opened(async (index) => {
    await putInOrder(index, never);
    expect(await index.stats()).toMatchObject({ unindexedRows: 0, vectorIndex: true, textIndex: true });
    await expectFound(index, [...ids]);
  });
  // Nor does it fill the disk with what it was sorting: the next one removes that.
  vi.stubEnv("TMPDIR", scratch);
  await expect
    .poll(
      async () => {
        await opened((index) => putInOrder(index, never));
        return await filesIn(scratch);
      },
      { timeout: 60_000 },
    )
    .toEqual([]);
}, 240_000);

test("closed in the middle of it, as when the bot stops, the index is sound and complete too", async () => {
  const before = await opened(async (index) => {
    const ids = await idsIn(index);
    await index.write(upkeepRows(900_000, 300), { fresh: true });
    // Broken off when the index is closed, wherever it is by then.
    void putInOrder(index, never).catch(() => undefined);
    return ids;
  });
  await opened(async (index) => {
    expect(await idsIn(index)).toHaveLength(before.length + 300);
    await putInOrder(index, never);
    await expectFound(index, ["900150", ...before]);
  });
}, 120_000);

/** @returns the first ids of what it wrote */
async function killedDuringUpkeep(firstId: number, afterMs: number): Promise<number[]> {
  const child = spawn(process.execPath, [CHILD, folder, String(firstId)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...env, TMPDIR: scratch },
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const written: number[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    const { event, from } = JSON.parse(text) as { event: string; from?: number };
    if (from !== undefined) written.push(from);
    if (event === "upkeep") setTimeout(() => child.kill("SIGKILL"), afterMs);
  }
  await exited;
  return written;
}

async function filesIn(folder: string): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name));
}

async function opened<Result>(use: (index: VectorIndex) => Promise<Result>): Promise<Result> {
  const store = await createIndexStore(folder);
  try {
    return await use(await store.open("1", tallSpace));
  } finally {
    await store.close();
  }
}

async function idsIn(index: VectorIndex): Promise<string[]> {
  const everything = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
  return (await index.keys("message", everything, 1_000_000)).map(({ id }) => id);
}

/** Some of them, by their words and by their vectors. */
async function expectFound(index: VectorIndex, ids: readonly string[]): Promise<void> {
  const filter = { accessChannelIds: ["10"] };
  const some = ids.filter((_, n) => n % Math.ceil(ids.length / 25) === 0);
  for (const id of some) {
    expect((await matching(index, `word${id}`, filter, 3)).map((row) => row.id)).toEqual([id]);
    const [row] = upkeepRows(Number(id), 1);
    if (row === undefined) throw new Error("no row");
    expect((await nearest(index, row.vector, filter, 1)).map((found) => found.id)).toEqual([id]);
  }
}
