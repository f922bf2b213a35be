import { expect, test } from "vitest";
import { repair } from "../../../src/backfill/work/repair.ts";
import { rememberingLogger } from "../../support/runs.ts";

function setup(idle: () => Promise<void> = async () => {}) {
  const done: string[] = [];
  const { events, logger } = rememberingLogger();
  const archive = {
    async markPending(_: string, kind: string, ids: readonly string[]) {
      done.push(`marks ${kind} ${ids.join(" ")}`);
      return [];
    },
  };
  const live = { kick: () => void done.push("kicks"), idle };
  return { done, events, parts: { archive, live, logger } };
}

test("live indexing is told of holes after they are marked, each kind by itself", async () => {
  const { done, events, parts } = setup();
  const holes = [
    { kind: "note", id: "7" },
    { kind: "message", id: "3" },
    { kind: "message", id: "5" },
  ] as const;
  await repair(parts, "1", holes, new AbortController().signal);
  expect(done).toEqual(["marks message 3 5", "marks note 7", "kicks"]);
  expect(events).toEqual(["run:repairing"]);
});

test("without holes nothing is marked or told, but what is marked already is waited for", async () => {
  const idle = Promise.withResolvers<void>();
  const { done, events, parts } = setup(() => idle.promise);
  let isOver = false;
  const repairing = repair(parts, "1", [], new AbortController().signal).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect([done, events, isOver]).toEqual([["kicks"], [], false]);
  idle.resolve();
  await repairing;
});

test("when it is to stop it does not wait for live indexing, which may wait for an embedder that is down", async () => {
  const { parts } = setup(() => new Promise(() => {}));
  const stop = new AbortController();
  const repairing = repair(parts, "1", [], stop.signal);
  stop.abort();
  await repairing;
});
