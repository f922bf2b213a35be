import { expect, test } from "vitest";
import { unlessStopped, within, withOwnSignal } from "../../src/async/abortable.ts";
import { createManualClock } from "../support/engine.ts";

const never = () => new Promise<string>(() => {});

test("work that is not stopped answers, or fails, as it does", async () => {
  const { signal } = new AbortController();
  expect(await unlessStopped(Promise.resolve("done"), signal)).toBe("done");
  await expect(unlessStopped(Promise.reject(new Error("no such table")), signal)).rejects.toThrow("no such table");
});

test("whoever waits goes on as soon as it is stopped, also when it was before", async () => {
  const stop = new AbortController();
  const waiting = unlessStopped(never(), stop.signal);
  stop.abort();
  expect(await waiting).toBeUndefined();
  expect(await unlessStopped(never(), stop.signal)).toBeUndefined();
});

test("a failure that comes after the stop is nobody's to hear, and does not end the process", async () => {
  const stop = new AbortController();
  let fail: (reason: Error) => void = () => {};
  const work = new Promise<string>((_, reject) => {
    fail = reject;
  });
  const waiting = unlessStopped(work, stop.signal);
  stop.abort();
  expect(await waiting).toBeUndefined();
  fail(new Error("too late"));
  // An unheard one would fail this file.
  await new Promise((resolve) => setImmediate(resolve));
});

test("nobody listens to the signal any more once the work has ended", async () => {
  const listening = new Set<unknown>();
  const { signal } = new AbortController();
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listening.add(given[1]);
    add(...given);
  };
  const remove = signal.removeEventListener.bind(signal);
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listening.delete(given[1]);
    remove(...given);
  };
  const waiting = unlessStopped(Promise.resolve(), signal);
  expect(listening.size).toBe(1);
  await waiting;
  expect(listening.size).toBe(0);
});

test("what takes too long is not waited for, and what ends or fails before leaves no timer", async () => {
  const clock = createManualClock();
  let isOver = false;
  const waiting = within(1_000, clock, never()).then(() => {
    isOver = true;
  });
  await clock.advance(999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  await waiting;

  const sleeps: (AbortSignal | undefined)[] = [];
  const watched = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) => {
      sleeps.push(signal);
      return clock.sleep(ms, signal);
    },
  };
  await within(1_000, watched, Promise.resolve());
  await expect(within(1_000, watched, Promise.reject(new Error("disk full")))).rejects.toThrow("disk full");
  await new Promise((resolve) => setImmediate(resolve));
  expect(sleeps.map((signal) => signal?.aborted)).toEqual([true, true]);
});

test("a signal of one's own aborts with the other, and by itself; nobody listens to the other any more at the end", async () => {
  const outer = new AbortController();
  const reason = await withOwnSignal(outer.signal, async (own) => {
    expect(own.signal.aborted).toBe(false);
    outer.abort(new Error("stopped"));
    return own.signal.reason as Error;
  });
  expect(reason.message).toBe("stopped");
  expect(await withOwnSignal(outer.signal, async (own) => own.signal.aborted)).toBe(true);

  const other = new AbortController();
  let late: AbortController | undefined;
  const failing = withOwnSignal(other.signal, async (own) => {
    late = own;
    throw new Error("no answer");
  });
  await expect(failing).rejects.toThrow("no answer");
  other.abort();
  expect(late?.signal.aborted).toBe(false);
  expect(await withOwnSignal(undefined, async (own) => own.signal.aborted)).toBe(false);
});
