// What a process does for a guild that another one looks after: shows it, checks it, asks its owner for a pause; and leaves the rest to
// that one. Two setups on one folder, each with connections of its own, as two processes have.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isActive } from "../../src/backfill/run/run.ts";
import { LEASE_MS, RENEW_EVERY_MS } from "../../src/indexing/guild-index/ownership.ts";
import { channel, GUILD, history, message, openSetup, type Setup, testEmbedder, until } from "../support/engine.ts";

const RECORDS = 600;
const BATCH = 16;

let owner: Setup;
let other: Setup;
/** The owner's model answers so many requests, and then none until it is let. */
let answered: number;
let letGo: () => void;
let gate: Promise<void>;

beforeEach(async () => {
  answered = Number.POSITIVE_INFINITY;
  gate = new Promise((resolve) => {
    letGo = resolve;
  });
  const slow = testEmbedder(
    async () => {
      answered -= 1;
      if (answered < 0) await gate;
    },
    { textsPerRequest: BATCH },
  );
  owner = await openSetup({ embedder: slow, holder: "the owner" });
  await owner.archive.save(GUILD, history(RECORDS), { pending: false });
  other = await openSetup({ folder: owner.folder, embedder: testEmbedder(), holder: "the other one" });
});
afterEach(async () => {
  letGo();
  await other.stop();
  await owner.close();
});

/** The run is at work and gets no further. */
async function startAndHold(): Promise<void> {
  await owner.start({ pace: "full" });
  answered = 3;
  await until(() => answered < 0, "the model keeps it waiting");
  expect(isActive((await owner.run()).status)).toBe(true);
}

describe("for a guild of another process", () => {
  test("status shows its run, and whose it is", async () => {
    await startAndHold();
    const shown = await other.engine.status(GUILD);
    expect(shown.run?.id).toBe((await owner.run()).id);
    expect(shown).toMatchObject({ run: { status: "running" }, ownedElsewhere: "the owner" });
    expect((await owner.engine.status(GUILD)).ownedElsewhere).toBeUndefined();
  });

  test("status knows whose it is even where the guild is not claimed", async () => {
    const passerBy = await openSetup({ folder: owner.folder, embedder: testEmbedder(), claim: false });
    expect((await passerBy.engine.status(GUILD)).ownedElsewhere).toBe("the owner");
    await passerBy.stop();
  });

  test("pause reaches the process that works on it, and is its last word", async () => {
    await startAndHold();
    expect((await other.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    expect((await other.engine.pause(GUILD, "Grace asked again")).outcome).toBe("pausing");
    // While the model is silent nothing is stored, and so nothing but a look at the store can tell the owner.
    owner.clock.skip(2_000);
    const isTold = async () => (await owner.engine.status(GUILD)).run?.status === "pausing";
    await until(isTold, "the owner has looked");
    const asked = answered;
    letGo();
    const run = await owner.settled();
    expect(answered).toBe(asked);
    expect(run).toMatchObject({ status: "paused", reason: { kind: "asked", by: "Grace" } });
    expect((await other.engine.status(GUILD)).run?.status).toBe("paused");
    expect((await other.engine.pause(GUILD, "Grace")).outcome).toBe("already-paused");
  });

  test("start, resume and rollback are refused with who holds it, and nothing is changed", async () => {
    await owner.start();
    await owner.settled();
    const before = await owner.run();
    for (const refused of [other.start(), other.engine.rollback(GUILD, "Grace")]) {
      await expect(refused).rejects.toMatchObject({
        refusal: { kind: "not-owned", holder: expect.stringContaining("the owner") },
      });
    }
    expect(await owner.run()).toEqual(before);
  });

  test("failures, analysis and verification are read from the same stores", async () => {
    await owner.start();
    await owner.settled();
    const at = owner.clock.now();
    const entry = { kind: "message", id: "5", contentHash: "x", reason: "refused", attempts: 3, at } as const;
    await owner.opened.quarantine.add(GUILD, [entry]);
    expect(await other.engine.failures(GUILD, 10)).toEqual([entry]);
    expect(await other.engine.analyze(GUILD)).toMatchObject({ records: RECORDS, embedded: RECORDS, missing: 0 });
    const { criteria } = await other.engine.verify(GUILD);
    expect(criteria.find(({ name }) => name === "coverage")).toMatchObject({ ok: true });
  });

  test("a message that both hear of is indexed by its owner, whoever stored it first", async () => {
    const late = message(history(1)[0]?.id.replace(/.$/, "7") ?? "", "heard twice, zwieback");
    await other.live.messageSaved(GUILD, late, channel("10"));
    await other.live.idle();
    expect(await owner.matching("zwieback")).toEqual([]);
    await owner.live.messageSaved(GUILD, late, channel("10"));
    await owner.live.idle(GUILD);
    expect(await owner.matching("zwieback")).toEqual([late.id]);
  });

  test("what it stores itself, and gives another chance, its owner makes searchable", async () => {
    const late = message(history(1)[0]?.id.replace(/.$/, "8") ?? "", "heard by one, knaeckebrot");
    await other.live.messageSaved(GUILD, late, channel("10"));
    owner.clock.skip(10_000);
    await until(async () => (await owner.matching("knaeckebrot")).length === 1, "the owner finds the mark");
    const at = owner.clock.now();
    const entry = { kind: "message", id: late.id, contentHash: "x", reason: "refused", attempts: 3, at } as const;
    await owner.opened.quarantine.add(GUILD, [entry]);
    expect(await other.engine.retry(GUILD)).toBe(1);
    owner.clock.skip(10_000);
    await until(async () => (await owner.archive.pending(GUILD, 1)).length === 0, "the owner tries it again");
    expect(await other.engine.failures(GUILD, 10)).toEqual([]);
  });
});

describe("when the owner", () => {
  test("stops, the other goes on with its guild at the next look", async () => {
    await startAndHold();
    letGo();
    await owner.stop();
    other.clock.skip(RENEW_EVERY_MS);
    await until(() => other.ownership.lease(GUILD) !== undefined, "the other takes over");
    const run = await other.settled();
    expect(run.status).toBe("succeeded");
    expect((await other.rows()).size).toBe(RECORDS);
  });

  test("is silent for as long as a lease lasts, the other goes on, and the owner stops without a word", async () => {
    await startAndHold();
    // Frozen: it prolongs nothing while time passes for the other.
    const { beat } = owner.opened.owners;
    owner.opened.owners.beat = async (...given) => {
      await gate;
      return await beat(...given);
    };
    other.clock.skip(LEASE_MS);
    await until(() => other.ownership.lease(GUILD) !== undefined, "the other takes over");
    await other.settled();
    expect((await other.run()).status).toBe("succeeded");
    // It wakes: its batches in flight are answered, and time has passed for it too.
    const rows = await other.rows();
    owner.clock.skip(LEASE_MS);
    expect(owner.ownership.mayCommit(GUILD)).toBe(false);
    letGo();
    await owner.engine.done(GUILD);
    expect(await other.rows()).toEqual(rows);
    expect((await other.run()).status).toBe("succeeded");
  });

  test("is gone and has left a run, a pause asked for in between is kept by whoever takes over", async () => {
    await owner.start();
    const ended = await owner.settled();
    const stored = await owner.runStore.load(GUILD);
    await owner.runStore.save(GUILD, { ...ended, status: "running", reason: "as if cut off" }, stored?.stamp);
    await owner.stop();
    expect((await other.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    other.clock.skip(RENEW_EVERY_MS);
    await until(async () => (await other.status()) === "paused", "it is paused");
    expect((await other.run()).reason).toEqual({ kind: "asked", by: "Grace" });
  });
});
