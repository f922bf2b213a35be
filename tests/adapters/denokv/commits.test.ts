// Commits whose fate is unknown: over a network, one that failed may have been made, or be made later, and undo what came since.

import type { AtomicCheck, Kv, KvKey, KvMutation } from "@deno/kv";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Commit, fenced, waitingForTurn } from "../../../src/adapters/denokv/commits.ts";

const DAY_MS = 24 * 3_600_000;
const KEY: KvKey = ["record", 1n];

/** What a server has, by key; and what happens to the next commits on their way to it. */
let held: Map<string, { readonly value: unknown; readonly versionstamp: string }>;
let ways: ("lost" | "made, and the answer lost" | "late" | "refused to talk")[];
let late: (() => void)[];
let moves: { readonly expireIn?: number | undefined }[];
let stamps: number;
let commit: Commit;

beforeEach(() => {
  [held, ways, late, moves, stamps] = [new Map(), [], [], [], 0];
  commit = fenced(kv as unknown as Kv);
});
afterEach(() => vi.restoreAllMocks());

const stampOf = (key: KvKey) => held.get(String(key))?.versionstamp ?? null;
function write(key: KvKey, value: unknown): string {
  stamps += 1;
  held.set(String(key), { value, versionstamp: String(stamps) });
  return String(stamps);
}
function tryCommit(mutations: readonly KvMutation[], checks: readonly AtomicCheck[]) {
  if (checks.some(({ key, versionstamp }) => stampOf(key) !== versionstamp)) return { ok: false } as const;
  let versionstamp = "";
  for (const each of mutations) if (each.type === "set") versionstamp = write(each.key, each.value);
  return { ok: true, versionstamp } as const;
}

const kv = {
  async get(key: KvKey) {
    return { key, versionstamp: stampOf(key) };
  },
  async set(key: KvKey, value: unknown, options: { readonly expireIn?: number }) {
    if (ways[0] === "refused to talk") {
      ways.shift();
      throw new Error("unreachable");
    }
    moves.push(options);
    return { versionstamp: write(key, value) };
  },
  atomic() {
    const checks: AtomicCheck[] = [];
    const mutations: KvMutation[] = [];
    const atomic = {
      check(...given: AtomicCheck[]) {
        checks.push(...given);
        return atomic;
      },
      mutate(...given: KvMutation[]) {
        mutations.push(...given);
        return atomic;
      },
      async commit() {
        const way = ways.shift();
        if (way === undefined) return tryCommit(mutations, checks);
        if (way === "made, and the answer lost") tryCommit(mutations, checks);
        if (way === "late") late.push(() => tryCommit(mutations, checks));
        throw new Error("no answer");
      },
    };
    return atomic;
  },
};

const set = (value: string, checks: readonly AtomicCheck[] = []) => commit([{ type: "set", key: KEY, value }], checks);
const stored = () => held.get(String(KEY))?.value;

describe("over a network", () => {
  test("commits are made in one go each, with one fence for all of them", async () => {
    const first = await set("first");
    expect(first).toBe(stampOf(KEY));
    expect(await set("second", [{ key: KEY, versionstamp: first ?? null }])).toBe(stampOf(KEY));
    expect([stored(), moves.length]).toEqual(["second", 1]);
  });

  test("one that is refused by what it rests on is refused, and is not made again", async () => {
    await set("theirs");
    expect(await set("ours", [{ key: KEY, versionstamp: null }])).toBeUndefined();
    expect([stored(), moves.length]).toEqual(["theirs", 1]);
  });

  test("one that got no answer has failed; whatever was to become of it has, or never will, before the next is made", async () => {
    await set("before");
    ways = ["late"];
    await expect(set("late")).rejects.toThrow("no answer");
    await set("after");
    for (const arrive of late) arrive();
    expect(stored()).toBe("after");
    ways = ["made, and the answer lost"];
    await expect(set("made")).rejects.toThrow("no answer");
    expect(stored()).toBe("made");
    await set("next");
    expect([stored(), moves.length]).toEqual(["next", 3]);
  });

  test("those beside one that got no answer are made all the same, though its fence was moved", async () => {
    await set("before");
    ways = ["lost"];
    const [lost, beside] = await Promise.allSettled([
      set("lost"),
      commit([{ type: "set", key: ["other"], value: 1 }], []),
    ]);
    expect([lost.status, beside.status]).toEqual(["rejected", "fulfilled"]);
    // The fence is moved by another commit between this one's beginning and its arrival.
    const atomic = kv.atomic();
    const slow = vi.spyOn(kv, "atomic").mockImplementationOnce(() => {
      ways = [];
      for (const key of held.keys()) if (key.startsWith("fence")) write(key.split(",") as string[], "moved");
      return atomic;
    });
    expect(await set("ours")).toBe(stampOf(KEY));
    expect(slow).toHaveBeenCalledTimes(2);
    expect(stored()).toBe("ours");
  });

  test("nothing is written while the fence cannot be moved, and it is moved as soon as it can be", async () => {
    ways = ["refused to talk"];
    await expect(set("first")).rejects.toThrow("unreachable");
    expect(stored()).toBeUndefined();
    await set("second");
    expect([stored(), moves.length]).toEqual(["second", 1]);
  });

  test("a fence that is in use is moved once a day, long before it goes away by itself", async () => {
    let now = 1_000_000;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    await set("first");
    now += DAY_MS;
    await set("second");
    expect(moves).toHaveLength(1);
    now += 1;
    await set("third");
    expect(moves).toHaveLength(2);
    for (const { expireIn = 0 } of moves) expect(expireIn).toBeGreaterThan(20 * DAY_MS);
  });
});

describe("on a file that another process writes to", () => {
  const check = [{ key: KEY, versionstamp: null }];
  const locked = () => {
    throw new Error("database is locked");
  };

  test("a commit with checks is made as soon as it can be", async () => {
    let attempts = 0;
    const patient = waitingForTurn(async () => {
      attempts += 1;
      return attempts < 3 ? locked() : "stamp";
    });
    expect(await patient([], check)).toBe("stamp");
    expect(attempts).toBe(3);
  });

  test("one without has waited already, and what else is wrong does not pass", async () => {
    let attempts = 0;
    const failing = (fault: () => never) =>
      waitingForTurn(async () => {
        attempts += 1;
        return fault();
      });
    await expect(failing(locked)([], [])).rejects.toThrow("locked");
    const full = () => {
      throw new Error("database or disk is full");
    };
    await expect(failing(full)([], check)).rejects.toThrow("full");
    expect(attempts).toBe(2);
  });

  test("after five seconds it is given up", async () => {
    let [now, attempts] = [0, 0];
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const patient = waitingForTurn(async () => {
      attempts += 1;
      now += 2_500;
      return locked();
    });
    await expect(patient([], check)).rejects.toThrow("locked");
    expect(attempts).toBe(3);
  });
});
