// What is written before the embedder has shown that its vectors are right, and turns out to be wrong: out of the index and marked in the
// end, wherever the process that finds out is ended.

import { afterEach, beforeEach, expect, test } from "vitest";
import { createUnconfirmed } from "../../../src/indexing/live/unconfirmed.ts";
import type { VectorCheckStore } from "../../../src/ports/vector-checks.ts";
import { openTestArchive, recordingLogger, type TestArchive } from "../../support/archive.ts";

const GUILD = "900000000000000001";
const MESSAGES = ["101", "102", "103"];
const NOTES = ["201"];

let stored: TestArchive;
/** What stands for the index. */
let rows: Set<string>;
beforeEach(async () => {
  stored = await openTestArchive();
  rows = new Set();
});
afterEach(() => stored.close());

/** @param steps so many changes are made, then the process is dead. Default: it lives on */
function life(steps = Number.POSITIVE_INFINITY) {
  let left = steps;
  const { logger, complaints } = recordingLogger();
  async function step<Result>(change: () => Promise<Result>): Promise<Result> {
    if (left <= 0) throw new Error("dead");
    left -= 1;
    return await change();
  }
  const { vectorChecks, archive } = stored;
  const store: VectorCheckStore = {
    ...vectorChecks,
    add: (...given) => step(() => vectorChecks.add(...given)),
    reject: (...given) => step(() => vectorChecks.reject(...given)),
    release: (...given) => step(() => vectorChecks.release(...given)),
  };
  const writer = {
    withdraw: (ids: readonly string[]) =>
      step(async () => {
        for (const id of ids) rows.delete(id);
      }),
  };
  const unconfirmed = createUnconfirmed({
    store,
    archive: { markPending: (...given) => step(() => archive.markPending(...given)) },
    indexes: { open: async () => ({ writer }) as never },
    logger,
  });
  const write = (kind: "message" | "note", ids: readonly string[]) =>
    unconfirmed.write(GUILD, kind, ids, () =>
      step(async () => {
        for (const id of ids) rows.add(id);
      }),
    );
  return { unconfirmed, write, complaints, isDead: () => left <= 0, revive: () => (left = Number.POSITIVE_INFINITY) };
}

const nothingDiffers = async () => new Set<never>();
const marked = async () => (await stored.archive.pending(GUILD, 100)).map(({ id }) => id).sort();
const left = async () => (await stored.vectorChecks.list(GUILD)).length;

test("what is confirmed is forgotten, and what was written since then is not", async () => {
  const { unconfirmed, write } = life();
  await write("message", MESSAGES);
  const confirm = unconfirmed.begin();
  await write("note", NOTES);
  confirm();
  await unconfirmed.settled();
  expect(await left()).toBe(1);
  unconfirmed.reject();
  await unconfirmed.settled();
  expect([...rows]).toEqual(MESSAGES);
  expect(await marked()).toEqual(NOTES);
  expect(await left()).toBe(0);
});

test("what was on its way when the answer came is taken out when it is there", async () => {
  const { unconfirmed, write } = life();
  let go = () => {};
  const waits = new Promise<void>((resolve) => {
    go = resolve;
  });
  const writing = unconfirmed.write(GUILD, "message", MESSAGES, async () => {
    await waits;
    for (const id of MESSAGES) rows.add(id);
  });
  unconfirmed.reject();
  await unconfirmed.settled();
  go();
  await writing;
  await unconfirmed.settled();
  expect(rows.size).toBe(0);
  expect(await marked()).toEqual(MESSAGES);
  await write("note", NOTES);
  await unconfirmed.settled();
  expect(await marked()).toEqual([...MESSAGES, ...NOTES]);
});

test("ended after any number of steps, the next process takes out all that is in doubt and nothing is forgotten", async () => {
  for (let steps = 1; ; steps += 1) {
    await stored.close();
    stored = await openTestArchive();
    rows = new Set();
    const first = life(steps);
    const written = await Promise.allSettled([first.write("message", MESSAGES), first.write("note", NOTES)]);
    first.unconfirmed.reject();
    await first.unconfirmed.settled();
    const second = life();
    second.unconfirmed.recall(GUILD, async (batches) => new Set(batches));
    await second.unconfirmed.settled();
    expect(rows.size, `${steps} steps`).toBe(0);
    expect(await left(), `${steps} steps`).toBe(0);
    if (written.every(({ status }) => status === "fulfilled")) {
      expect(await marked(), `${steps} steps`).toEqual([...MESSAGES, ...NOTES]);
    }
    if (!first.isDead()) break;
    expect(steps).toBeLessThan(30);
  }
});

test("what was found to be wrong is taken out by the next process although the server is right again by then", async () => {
  // Two writes, each remembered first, and the news that they are wrong.
  const first = life(5);
  await first.write("message", MESSAGES);
  await first.write("note", NOTES);
  first.unconfirmed.reject();
  await first.unconfirmed.settled();
  expect(rows.size).toBe(4);
  const second = life();
  second.unconfirmed.recall(GUILD, nothingDiffers);
  await second.unconfirmed.settled();
  second.unconfirmed.begin()();
  await second.unconfirmed.settled();
  expect(rows.size).toBe(0);
  expect(await marked()).toEqual([...MESSAGES, ...NOTES]);
});

test("what was in doubt when the process ended is judged by comparing it, not by a canary of the next process", async () => {
  const first = life();
  await first.write("message", MESSAGES);
  await first.write("note", NOTES);
  const second = life();
  let compare: (wrong: "note" | undefined) => void = () => {};
  const compared = new Promise<"note" | undefined>((resolve) => {
    compare = resolve;
  });
  second.unconfirmed.recall(GUILD, async (batches) => {
    const wrong = await compared;
    return new Set(batches.filter(({ kind }) => kind === wrong));
  });
  await new Promise((resolve) => setImmediate(resolve));
  second.unconfirmed.begin()();
  expect(await left()).toBe(2);
  compare("note");
  await second.unconfirmed.settled();
  expect([...rows]).toEqual(MESSAGES);
  expect(await marked()).toEqual(NOTES);
  second.unconfirmed.begin()();
  await second.unconfirmed.settled();
  expect(await left()).toBe(0);
});

test("what could not be taken out is tried again, until it is out", async () => {
  const { unconfirmed, write, revive, complaints } = life(4);
  await write("message", MESSAGES);
  unconfirmed.reject();
  await unconfirmed.settled();
  expect(complaints).toContain("records:not-withdrawn");
  revive();
  unconfirmed.retry();
  await unconfirmed.settled();
  expect(rows.size).toBe(0);
  expect(await marked()).toEqual(MESSAGES);
  expect(await left()).toBe(0);
});

test("what is another process's now is left to it", async () => {
  const { unconfirmed, write } = life();
  await write("message", MESSAGES);
  unconfirmed.forget(GUILD);
  unconfirmed.reject();
  await unconfirmed.settled();
  expect([...rows]).toEqual(MESSAGES);
  expect(await left()).toBe(1);
});

test("more records than fit one value are remembered, all of them", async () => {
  const many = Array.from({ length: 4_500 }, (_, n) => String(10n ** 18n + BigInt(n)));
  const { unconfirmed, write } = life();
  await write("message", many);
  expect((await stored.vectorChecks.list(GUILD)).flatMap(({ ids }) => ids).sort()).toEqual(many);
  unconfirmed.reject();
  await unconfirmed.settled();
  expect(rows.size).toBe(0);
});
