import { describe, expect, it } from "vitest";
import { createKeyedWorker } from "../../src/async/keyed-worker.ts";

/** Passes that end when they are told to, as they are told to. */
function setup() {
  const begun: string[] = [];
  const failures: unknown[] = [];
  const ends: ((end: { readonly more?: boolean; readonly fault?: Error }) => void)[] = [];
  const state = { mayWork: true };
  const worker = createKeyedWorker({
    mayWork: () => state.mayWork,
    pass(key) {
      begun.push(key);
      return new Promise((resolve, reject) =>
        ends.push(({ more = false, fault }) => (fault ? reject(fault) : resolve(more))),
      );
    },
    failed: async (_, thrown) => void failures.push(thrown),
  });
  /** Ends the oldest pass under way, and lets what comes of it happen. */
  async function end(how: { readonly more?: boolean; readonly fault?: Error } = {}) {
    ends.shift()?.(how);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
  return { worker, begun, failures, state, end };
}

describe("work for a key", () => {
  it("is done once for all who asked before it began, and once more for all who asked meanwhile", async () => {
    const { worker, begun, end } = setup();
    worker.kick("a");
    worker.kick("a");
    worker.kick("a");
    expect(begun).toEqual(["a"]);
    await end();
    expect(begun).toEqual(["a", "a"]);
    await end();
    expect(begun).toEqual(["a", "a"]);
    expect(worker.isAtWork("a")).toBe(false);
  });

  it("goes on beside that for another key", async () => {
    const { worker, begun, end } = setup();
    worker.kick("a");
    worker.kick("b");
    expect([begun, worker.keys()]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    await end();
    expect(worker.keys()).toEqual(["b"]);
    await end();
    expect(worker.keys()).toEqual([]);
  });

  it("is done again when a pass says that there is more, and after a failure that was told", async () => {
    const { worker, begun, failures, end } = setup();
    worker.kick("a");
    await end({ more: true });
    const fault = new Error("no such table");
    await end({ fault });
    expect(failures).toEqual([fault]);
    expect(begun).toEqual(["a", "a", "a"]);
    await end();
    expect(worker.isAtWork("a")).toBe(false);
  });

  it("neither begins nor goes on where it may not be done any more", async () => {
    const { worker, begun, failures, state, end } = setup();
    state.mayWork = false;
    worker.kick("a");
    expect(begun).toEqual([]);
    state.mayWork = true;
    worker.kick("a");
    worker.kick("a");
    state.mayWork = false;
    await end({ fault: new Error("stopped") });
    expect([begun.length, failures.length, worker.isAtWork("a")]).toEqual([1, 1, false]);
  });

  it("is waited for to its end: of one key, or of all there are by then", async () => {
    const { worker, end } = setup();
    const over: string[] = [];
    worker.kick("a");
    worker.kick("b");
    void worker.idle("a").then(() => over.push("a"));
    void worker.idle("c").then(() => over.push("c"));
    void worker.idle().then(() => over.push("all"));
    await end();
    expect(over).toEqual(["c", "a"]);
    worker.kick("d");
    await end();
    expect(over).toEqual(["c", "a"]);
    await end();
    expect(over).toEqual(["c", "a", "all"]);
  });
});
