import { afterEach, beforeEach, expect, test } from "vitest";
import { createDeadlines } from "../../src/adapters/lancedb/deadlines.ts";
import { TransientError } from "../../src/errors.ts";
import { indexMethods } from "../../src/ports/decorate-index.ts";
import type { VectorIndex } from "../../src/ports/vector-index.ts";
import { indexRow, openTempIndexStore, type TempIndexStore, testSpace } from "../support/index-store.ts";

let temp: TempIndexStore;
beforeEach(async () => {
  temp = await openTempIndexStore();
});
afterEach(() => temp.close());

const patience = { readMs: 400, changeMs: 50, upkeepMs: 60_000 };

test("an index with deadlines has every method, and answers what the index answers", async () => {
  const index = await temp.store.open("1", testSpace);
  const bounded = createDeadlines("here").bounded(index);
  expect(Object.keys(bounded).sort()).toEqual(["close", "space", ...Object.keys(indexMethods)].sort());
  const row = indexRow({ id: "100" });
  await bounded.write([row], { fresh: true });
  expect(await bounded.rows(["100"])).toEqual([row]);
  expect(await bounded.holds(["100", "101"])).toEqual(["100"]);
  await bounded.removeIds(["100"]);
  expect(await bounded.count()).toBe(0);
});

test("after a change that did not end in time, nothing is changed or read to decide on before it has ended", async () => {
  const index = await temp.store.open("1", testSpace);
  let end: () => void = () => {};
  const stuck: VectorIndex = {
    ...index,
    removeIds: () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  };
  const bounded = createDeadlines("here", patience).bounded(stuck);
  await expect(bounded.removeIds(["100"])).rejects.toThrow(TransientError);
  const reading = bounded.keys("message", { newestId: "200", oldestId: "1" }, 10);
  await expect(reading).rejects.toThrow("does not answer");
  end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(await bounded.keys("message", { newestId: "200", oldestId: "1" }, 10)).toEqual([]);
});
