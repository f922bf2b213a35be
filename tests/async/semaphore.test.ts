import { expect, test } from "vitest";
import { createRoom } from "../../src/async/semaphore.ts";

const never = new AbortController().signal;

test("so many are in at once, and whoever waits longest comes next", async () => {
  const room = createRoom(2);
  const entered: string[] = [];
  const ways: (() => void)[] = [];
  const come = async (name: string) => {
    const leave = await room.enter(never);
    entered.push(name);
    if (leave !== undefined) ways.push(leave);
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
  const room = createRoom(1);
  const leave = await room.enter(never);
  const stop = new AbortController();
  const [stopped, next] = [room.enter(stop.signal), room.enter(never)];
  stop.abort();
  expect(await stopped).toBeUndefined();
  expect(await room.enter(stop.signal)).toBeUndefined();
  leave?.();
  expect(await next).toBeTypeOf("function");
});
