import { beforeEach, expect, test } from "vitest";
import { createKeyedMutex, type KeyedMutex } from "../../src/async/keyed-mutex.ts";

let mutex: KeyedMutex;
let begun: string[];
let ends: Map<string, (fault?: Error) => void>;

beforeEach(() => {
  mutex = createKeyedMutex(() => new Error("closed"));
  begun = [];
  ends = new Map();
});

/** Work that lasts until it is ended. */
function work(key: string, name: string): Promise<string> {
  return mutex.runExclusive(key, () => {
    begun.push(name);
    return new Promise((resolve, reject) =>
      ends.set(name, (fault) => (fault === undefined ? resolve(name) : reject(fault))),
    );
  });
}
const soon = () => new Promise((resolve) => setImmediate(resolve));
async function end(name: string, fault?: Error): Promise<void> {
  await soon();
  ends.get(name)?.(fault);
  await soon();
}

test("of one key, each waits for all before it, however these end; another key waits for none", async () => {
  const all = [work("a", "first"), work("a", "second"), work("a", "third"), work("b", "other")];
  const answers = Promise.allSettled(all);
  await soon();
  expect(begun).toEqual(["first", "other"]);
  await end("first", new Error("no such run"));
  expect(begun).toEqual(["first", "other", "second"]);
  await end("second");
  expect(begun.at(-1)).toBe("third");
  await end("third");
  await end("other");
  expect((await answers).map((each) => (each.status === "fulfilled" ? each.value : each.reason.message))).toEqual([
    "no such run",
    "second",
    "third",
    "other",
  ]);
});

test("a key is finished when its last in line is, and at once when there is none", async () => {
  await mutex.finished("a");
  const [first, second] = [work("a", "first"), work("a", "second")];
  let isFinished = false;
  const finishing = mutex.finished("a").then(() => {
    isFinished = true;
  });
  await end("first");
  expect([await first, isFinished]).toEqual(["first", false]);
  const failing = expect(second).rejects.toThrow("broken");
  await end("second", new Error("broken"));
  await failing;
  await finishing;
});

test("closing lets what has begun come to its end, and begins nothing that waited", async () => {
  const [first, second] = [work("a", "first"), work("a", "second")];
  const refused = expect(second).rejects.toThrow("closed");
  await soon();
  expect(mutex.isClosed()).toBe(false);
  let isClosed = false;
  const closing = mutex.close().then(() => {
    isClosed = true;
  });
  await soon();
  expect([mutex.isClosed(), isClosed]).toEqual([true, false]);
  await end("first");
  expect(await first).toBe("first");
  await refused;
  await closing;
  await expect(work("b", "late")).rejects.toThrow("closed");
  expect(begun).toEqual(["first"]);
});
