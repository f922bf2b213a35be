import { expect, test } from "vitest";
import { createSemaphore } from "../../src/async/semaphore.ts";

const never = new AbortController().signal;

test("so many are in at once, and whoever waits longest comes next", async () => {
  const slots = createSemaphore(2);
  const entered: string[] = [];
  const ways: (() => void)[] = [];
  const come = async (name: string) => {
    const release = await slots.acquire(never);
    entered.push(name);
    if (release !== undefined) ways.push(release);
  };
  const coming = ["a", "b", "c", "d"].map(come);
  await Promise.all(coming.slice(0, 2));
  expect(entered).toEqual(["a", "b"]);
  ways[0]?.();
  ways[0]?.();
  await coming[2];
  expect(entered).toEqual(["a", "b", "c"]);
  ways[1]?.();
  await Promise.all(coming);
  expect(entered).toEqual(["a", "b", "c", "d"]);
});

test("who is stopped while waiting gives up its turn, and the next comes", async () => {
  const slots = createSemaphore(1);
  const release = await slots.acquire(never);
  const stop = new AbortController();
  const [stopped, next] = [slots.acquire(stop.signal), slots.acquire(never)];
  stop.abort();
  expect(await stopped).toBeUndefined();
  expect(await slots.acquire(stop.signal)).toBeUndefined();
  release?.();
  expect(await next).toBeTypeOf("function");
});
