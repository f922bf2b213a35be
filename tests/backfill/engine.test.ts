// The engine over real stores: starting, phases, pausing, resuming, and the accounts at the end.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isBalanced, type PhaseName, totals } from "../../src/backfill/run/run.ts";
import { UserError } from "../../src/errors.ts";
import { snowflakeTime } from "../../src/snowflake.ts";
import { refusedView } from "../../src/views/analysis.ts";
import { GUILD, type House, history, hoursAgo, message, openHouse, until } from "../support/engine.ts";
import { textOf } from "../views/valid.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse({ textsPerRequest: 20 });
});
afterEach(async () => {
  await house.close();
});

/** Recent, medium and full: 30 and 90 days are 720 and 2160 hours. */
const acrossPhases = () => [
  ...Array.from({ length: 30 }, (_, n) => message(hoursAgo(n + 1), `recent words ${n}`)),
  ...Array.from({ length: 20 }, (_, n) => message(hoursAgo(800 + n), `medium words ${n}`)),
  ...Array.from({ length: 25 }, (_, n) => message(hoursAgo(3_000 + n), `ancient words ${n}`)),
  ...Array.from({ length: 5 }, (_, n) =>
    message(hoursAgo(4_000 + n), `a note ${n}`, { kind: "note", visibility: "private" }),
  ),
];

describe("analysis", () => {
  test("counts records by phase, channel and month, and what is missing, stale, skipped and orphaned", async () => {
    const records = acrossPhases();
    await house.archive.save(GUILD, records, { pending: false });
    await house.archive.save(GUILD, [message(hoursAgo(5, 1), "", { channelId: "11" })], { pending: false });
    const before = await house.engine.analyze(GUILD);
    expect(before).toMatchObject({
      records: 81,
      missing: 80,
      embedded: 0,
      stale: 0,
      skipped: 1,
      quarantined: 0,
      orphaned: 0,
      notes: 5,
    });
    expect(before.phases.map(({ name, records }) => [name, records])).toEqual([
      ["recent", 31],
      ["medium", 20],
      ["full", 25],
      ["notes", 5],
    ]);
    expect(before.channels.map(({ channelId, records }) => [channelId, records])).toEqual([
      ["10", 80],
      ["11", 1],
    ]);
    expect(before.months.reduce((sum, { records }) => sum + records, 0)).toBe(81);
    expect(before.recordsPerSecond).toBeGreaterThan(0);
    expect(before.preflight.every(({ ok }) => ok)).toBe(true);

    await house.start();
    await house.settled();
    const [first, second] = records;
    if (first === undefined || second === undefined) throw new Error("no records");
    await house.archive.save(GUILD, [{ ...first, content: "edited" }], { pending: false });
    await house.archive.remove(GUILD, "message", [second.id]);
    expect(await house.engine.analyze(GUILD)).toMatchObject({
      records: 80,
      missing: 0,
      embedded: 78,
      stale: 1,
      orphaned: 1,
    });
  });
});

describe("what only looks", () => {
  test.each([
    ["an analysis", () => house.engine.analyze(GUILD)],
    ["a check", () => house.engine.verify(GUILD)],
  ])("%s lets what members wait for go first, between its pages", async (_what, look) => {
    await house.archive.save(GUILD, acrossPhases(), { pending: false });
    await house.start();
    await house.settled();
    let [looks, clear] = [0, () => {}];
    const isClear = new Promise<void>((resolve) => {
      clear = resolve;
    });
    Object.assign(house.foreground, {
      async waitUntilClear() {
        looks += 1;
        await isClear;
      },
    });
    let isDone = false;
    const looking = look().then(() => {
      isDone = true;
    });
    await until(() => looks === 1, "it looks whether somebody waits");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([looks, isDone]).toEqual([1, false]);
    clear();
    await looking;
    // Each of the four phases is a page.
    expect(looks).toBe(4);
  });
});

describe("starting", () => {
  test.each([
    ["disk", (world: House["world"]) => Object.assign(world, { freeBytes: 9e9 })],
    ["memory", (world: House["world"]) => Object.assign(world, { usedMemoryBytes: 7.9e9 })],
    ["message-content", (world: House["world"]) => Object.assign(world, { readsContent: false })],
  ] as const)("is refused by the pre-flight check of %s, with what to do", async (name, spoil) => {
    await house.archive.save(GUILD, history(3), { pending: false });
    spoil(house.world);
    const outcome = await house.start();
    if (outcome.outcome !== "refused") throw new Error(`it was ${outcome.outcome}`);
    const failed = outcome.analysis.preflight.filter(({ ok }) => !ok);
    expect(failed.map((check) => check.name)).toEqual([name]);
    expect(textOf(refusedView(outcome.analysis))).toMatch(/➜ \w+/);
    expect(await house.status()).toBeUndefined();
  });

  test("is refused when the embedder does not answer", async () => {
    await house.archive.save(GUILD, history(3), { pending: false });
    house.server?.misbehave({ status: 500 });
    const outcome = await house.start();
    expect(outcome.outcome).toBe("refused");
    expect(await house.status()).toBeUndefined();
  });

  test("of another process's guild is refused with who holds it", async () => {
    const other = await openHouse({
      folder: house.folder,
      ...(house.server && { server: house.server }),
      holder: "the other one",
    });
    await expect(other.start()).rejects.toMatchObject({ refusal: { kind: "not-owned", holder: "house" } });
    await other.stop();
  });

  test("says that there is nothing to do when everything is embedded", async () => {
    expect((await house.start()).outcome).toBe("nothing-to-do");
    await house.archive.save(GUILD, history(3), { pending: false });
    await house.start();
    await house.settled();
    expect((await house.start()).outcome).toBe("nothing-to-do");
  });

  test("twice at once starts one run", async () => {
    await house.archive.save(GUILD, history(50), { pending: false });
    const outcomes = await Promise.all([house.start({ pace: "gentle" }), house.start({ pace: "gentle" })]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["started", "already-running"]);
    expect((await house.impatiently(() => house.settled())).status).toBe("succeeded");
    expect((await house.rows()).size).toBe(50);
  });

  test("and being taken up again at boot at once make one run", async () => {
    await house.archive.save(GUILD, history(100), { pending: false });
    await house.start({ pace: "gentle" });
    await until(async () => totals(await house.run()).read > 0, "a first checkpoint");
    await house.engine.stop();
    expect(await house.status()).toBe("interrupted");
    await house.stop();
    house = await reopen(house);
    await Promise.allSettled([
      house.engine.recover(GUILD),
      house.start({ pace: "gentle" }),
      house.engine.recover(GUILD),
    ]);
    await house.impatiently(() => house.settled());
    expect([...(await house.rows()).keys()].filter((key) => key.includes("duplicate"))).toEqual([]);
    expect((await house.rows()).size).toBe(100);
  });

  test("a start while the process shuts down begins nothing", async () => {
    await house.archive.save(GUILD, history(50), { pending: false });
    const starting = house.start().catch((thrown: unknown) => thrown);
    await house.engine.stop();
    const outcome = await starting;
    expect(outcome instanceof UserError || (await house.status()) === "interrupted").toBe(true);
    const rows = (await house.rows()).size;
    await house.engine.done(GUILD);
    expect((await house.rows()).size).toBe(rows);
  });
});

describe("a run", () => {
  test("works newest first, phase by phase, and its books balance", async () => {
    const embedded: string[] = [];
    await house.archive.save(GUILD, acrossPhases(), { pending: false });
    const { writer } = await house.indexes.open(GUILD);
    const write = writer.write;
    writer.write = (rows, options) => {
      embedded.push(...rows.map(({ id }) => id));
      return write(rows, options);
    };
    await house.start();
    const run = await house.settled();
    expect(run.status).toBe("succeeded");
    const phaseOf = (id: string) => {
      const hours = (Date.now() - snowflakeTime(id)) / 3_600_000;
      return hours < 720 ? "recent" : hours < 2_160 ? "medium" : hours < 3_900 ? "full" : "notes";
    };
    expect([...new Set(embedded.map(phaseOf))]).toEqual(["recent", "medium", "full", "notes"] satisfies PhaseName[]);
    expect(run.phases.every(({ cursor }) => cursor === undefined)).toBe(true);
    expect(run.phases.map(({ counters }) => counters.embedded)).toEqual([30, 20, 25, 5]);
    expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
    expect(totals(run)).toMatchObject({ planned: 80, read: 80, embedded: 80, remaining: 0 });
    const report = house.posts.find((post) => post.kind === "report");
    expect(report?.kind === "report" && report.verification?.criteria.every(({ ok }) => ok)).toBe(true);
  });

  test("does only the phases asked for, and a later one of all phases still reaches what is newer", async () => {
    await house.archive.save(GUILD, acrossPhases(), { pending: false });
    await house.start({ phases: ["full"] });
    const first = await house.settled();
    expect(first.phases.map(({ name }) => name)).toEqual(["full"]);
    expect(snowflakeTime(first.cutoffId)).toBeGreaterThan(Date.now() - 3_600_000);
    expect((await house.rows()).size).toBe(25);
    await house.start();
    expect(totals(await house.settled())).toMatchObject({ embedded: 55, unchanged: 25 });
  });

  test("of which nothing can be embedded fails and says so", async () => {
    await house.archive.save(GUILD, history(12), { pending: false });
    house.server?.misbehave(
      { status: 400, says: "no" },
      { when: (texts) => texts.some((text) => text.includes("token")) },
    );
    await house.start();
    const run = await house.impatiently(() => house.settled(), 3_000);
    expect(run).toMatchObject({ status: "failed", reason: { kind: "nothing-embedded", planned: 12 } });
    expect(totals(run)).toMatchObject({ quarantined: 12, remaining: 0 });
  });

  test("embeds stale rows in several batches by itself, leaving none to others", async () => {
    const records = history(90);
    await house.archive.save(GUILD, records, { pending: false });
    await house.start();
    await house.settled();
    await house.archive.save(
      GUILD,
      records.map((each) => ({ ...each, content: `${each.content} revised` })),
      { pending: false },
    );
    await house.start();
    const run = await house.settled();
    expect(totals(run)).toMatchObject({ embedded: 90, skipped: 0 });
    expect(run.skippedBy).toEqual({});
    expect((await house.rows()).size).toBe(90);
  });

  test("removes orphans and duplicates, and leaves the rest alone", async () => {
    const records = history(10);
    await house.archive.save(GUILD, records, { pending: false });
    await house.start();
    await house.settled();
    const before = await house.rows();
    const { index } = await house.indexes.open(GUILD);
    const [row, twin] = await index.rows(records.slice(0, 2).map(({ id }) => id));
    if (row === undefined || twin === undefined) throw new Error("no rows");
    await index.write([{ ...row, id: hoursAgo(50), text: "nobody wrote this" }], { fresh: true });
    await index.write([twin], { fresh: true });
    expect(await house.engine.verify(GUILD)).toMatchObject({ orphaned: 1, duplicates: 1, stale: 1, missing: 0 });
    await house.start();
    expect((await house.settled()).status).toBe("succeeded");
    expect(await house.rows()).toEqual(before);
  });
});

describe("pausing", () => {
  test("finishes the batches in flight, and the checkpoint has everything before it", async () => {
    await house.archive.save(GUILD, history(600), { pending: false });
    await house.start({ pace: "gentle" });
    await house.impatiently(() => until(async () => totals(await house.run()).read > 0, "a first checkpoint"));
    expect((await house.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    const run = await house.settled();
    expect(run).toMatchObject({ status: "paused", reason: { kind: "asked", by: "Grace" } });
    const phase = run.phases[0];
    if (phase?.cursor === undefined) throw new Error("it had finished already");
    expect(isBalanced(phase.counters)).toBe(true);
    const { index } = await house.indexes.open(GUILD);
    const settled = await house.archive.page(
      GUILD,
      "message",
      { newestId: phase.newestId, oldestId: (BigInt(phase.cursor) + 1n).toString() },
      1_000,
    );
    expect(settled.records.length).toBe(phase.counters.read);
    expect(
      await index.keys(
        "message",
        { newestId: phase.newestId, oldestId: (BigInt(phase.cursor) + 1n).toString() },
        1_000,
      ),
    ).toHaveLength(phase.counters.read);
    expect((await house.engine.pause(GUILD, "Grace")).outcome).toBe("already-paused");
  });

  test("and resuming embeds nothing a second time", async () => {
    await house.archive.save(GUILD, history(400), { pending: false });
    await house.start();
    await until(async () => totals(await house.run()).read > 0, "a first checkpoint");
    await house.engine.pause(GUILD, "Grace");
    await house.settled();
    const rows = (await house.rows()).size;
    const sent = textsSent(house);
    expect(await house.start()).toMatchObject({ outcome: "resumed", from: "paused" });
    const run = await house.settled();
    expect(run.status).toBe("succeeded");
    expect(totals(run)).toMatchObject({ embedded: 400, unchanged: 0, read: 400 });
    const queries = 40;
    expect(textsSent(house) - sent).toBeLessThanOrEqual(400 - rows + queries);
  });

  test("works during a cooldown, while waiting for the embedder and while starting", async () => {
    await house.archive.save(GUILD, history(300), { pending: false });
    await house.start({ pace: "gentle" });
    await until(async () => (await house.rows()).size > 0, "the first rows");
    await house.engine.pause(GUILD, "Grace");
    expect((await house.settled(3_000)).status).toBe("paused");

    await house.start({ pace: "gentle" });
    const healthy = house.server?.misbehave({ status: 503 });
    await until(async () => (await house.status()) === "waiting", "the run waits");
    await house.engine.pause(GUILD, "Grace");
    expect((await house.settled(3_000)).status).toBe("paused");
    healthy?.();

    const starting = house.start({ pace: "gentle" });
    await house.engine.pause(GUILD, "Grace");
    await starting;
    expect((await house.settled(3_000)).status).toBe("paused");
  });

  test("asked again after five minutes forces a run whose batch hangs", async () => {
    await house.close();
    house = await openHouse({ textsPerRequest: 20, requestTimeoutMs: 60_000 });
    await house.archive.save(GUILD, history(300), { pending: false });
    await house.start({ pace: "gentle" });
    await until(async () => (await house.rows()).size > 0, "the first rows");
    house.server?.misbehave("hang");
    const sent = house.server?.requests.length ?? 0;
    await until(() => (house.server?.requests.length ?? 0) > sent, "a request that hangs");
    expect((await house.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    expect((await house.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    await house.pass(5 * 60_000 + 1_000);
    expect((await house.engine.pause(GUILD, "Grace")).outcome).toBe("forced");
    expect(await house.settled(2_000)).toMatchObject({ status: "paused" });
  });

  test("nothing says that nothing is running", async () => {
    expect((await house.engine.pause(GUILD, "Grace")).outcome).toBe("nothing-running");
  });
});

const textsSent = ({ server }: House) => server?.requests.reduce((sum, { texts }) => sum + texts, 0) ?? 0;

/** A new process over what the last one left behind. */
async function reopen(last: House): Promise<House> {
  return openHouse({ folder: last.folder, textsPerRequest: 20 });
}
