import { expect, test } from "vitest";
import { createFailedBatches, type FailedBatch, withoutOldReasons } from "../../../src/backfill/run/failed-batches.ts";

const failure = (reason: string, next: "waited" | "retried" | "halved") =>
  ({ reason, next, blames: "embedder" }) as const;
const batch = (at: number, given: Partial<FailedBatch> = {}): FailedBatch => ({
  at,
  texts: 5,
  reason: `said at ${at}`,
  waited: 0,
  retried: 0,
  halved: 0,
  setAside: 0,
  ...given,
});

test("a batch that goes through leaves nothing; one that fails is one entry, whatever becomes of it", () => {
  let now = 100;
  const batches = createFailedBatches({ now: () => now });
  const good = batches.begin(7);
  good.setAside(3);
  expect(batches.list()).toEqual([]);
  const bad = batches.begin(20);
  bad.failed(failure("busy", "waited"));
  now = 200;
  bad.failed(failure("too long", "halved"));
  bad.failed(failure("still too long", "halved"));
  bad.failed(failure("refused", "retried"));
  bad.setAside(1);
  bad.setAside(2);
  expect(batches.list()).toEqual([
    { at: 200, texts: 20, reason: "refused", waited: 1, retried: 1, halved: 2, setAside: 3 },
  ]);
});

test("the latest ten are kept, the one that failed last at the end, with those of the run before a restart", () => {
  let now = 10;
  const batches = createFailedBatches({ now: () => now }, [batch(1), batch(2)]);
  const first = batches.begin(1);
  first.failed(failure("first", "waited"));
  for (let n = 0; n < 8; n += 1) batches.begin(2).failed(failure(`other ${n}`, "waited"));
  now = 20;
  first.failed(failure("first again", "retried"));
  const list = batches.list();
  expect(list).toHaveLength(10);
  expect(list[0]).toEqual(batch(2));
  expect(list.at(-1)).toMatchObject({ reason: "first again", waited: 1, retried: 1 });
});

test("what a server says is cut at three hundred characters, and not in the middle of one", () => {
  const batches = createFailedBatches({ now: () => 0 });
  batches.begin(1).failed(failure(`${"x".repeat(299)}😀`, "waited"));
  const [{ reason = "" } = {}] = batches.list();
  expect(reason).toBe(`${"x".repeat(299)}\ufffd`);
});

test("it is forgotten in time: it may repeat words that have been deleted since", () => {
  let now = 1_000;
  const batches = createFailedBatches({ now: () => now }, [batch(100), batch(900)], 500);
  expect(batches.list().map(({ reason }) => reason)).toEqual(["", "said at 900"]);
  now = 1_400;
  expect(batches.list().map(({ reason }) => reason)).toEqual(["", "said at 900"]);
  now = 1_401;
  expect(batches.list().map(({ reason }) => reason)).toEqual(["", ""]);
  const list = batches.list();
  expect(batches.list()).toBe(list);
});

test("where nothing is too old the list stays the same object, so that nothing is stored for it", () => {
  const list = [batch(1, { reason: "" }), batch(5)];
  expect(withoutOldReasons(list, 5)).toBe(list);
  expect(withoutOldReasons(list, 6).map(({ reason }) => reason)).toEqual(["", ""]);
  expect(list[1]?.reason).toBe("said at 5");
});
