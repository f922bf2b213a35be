import { describe, expect, it } from "vitest";
import { createForegroundGate } from "../../src/async/foreground-gate.ts";
import { createManualClock } from "../support/engine.ts";

const going = new AbortController().signal;

/** Whether it has resolved by now. */
async function isOver(waiting: Promise<void>): Promise<boolean> {
  let over = false;
  void waiting.then(() => {
    over = true;
  });
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return over;
}

/** Work that lasts until it is told to end. */
function work() {
  let end: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { done, end };
}

describe("the backfill", () => {
  it("goes on at once when nobody waits for anything", async () => {
    expect(await isOver(createForegroundGate(createManualClock()).waitUntilClear(going))).toBe(true);
  });

  it("waits until the last of several searches is over, also one that fails", async () => {
    const way = createForegroundGate(createManualClock());
    const [one, other] = [work(), work()];
    const first = way.run(() => one.done);
    const second = way.run(async () => {
      await other.done;
      throw new Error("no such index");
    });
    const waiting = way.waitUntilClear(going);
    one.end();
    await first;
    expect(await isOver(waiting)).toBe(false);
    other.end();
    await expect(second).rejects.toThrow("no such index");
    expect(await isOver(waiting)).toBe(true);
    expect(await isOver(way.waitUntilClear(going))).toBe(true);
  });

  it("is let through after a while, however long others take, and when it is stopped", async () => {
    const clock = createManualClock();
    const way = createForegroundGate(clock);
    const endless = work();
    void way.run(() => endless.done);
    const waiting = way.waitUntilClear(going);
    await clock.advance(199);
    expect(await isOver(waiting)).toBe(false);
    await clock.advance(1);
    expect(await isOver(waiting)).toBe(true);
    const stop = new AbortController();
    const stopped = way.waitUntilClear(stop.signal);
    stop.abort();
    expect(await isOver(stopped)).toBe(true);
    endless.end();
  });
});
