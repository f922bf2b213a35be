// The engine over real stores: starting, phases, pausing, resuming, and the accounts at the end.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isBalanced, type PhaseName, totals } from "../../src/backfill/run/run.ts";
import { UserError } from "../../src/errors.ts";
import { snowflakeTime } from "../../src/snowflake.ts";
import { refusedView } from "../../src/views/analysis.ts";
import { GUILD, history, hourOfChild, hoursAgo, message, openSetup, type Setup, until } from "../support/engine.ts";
import { textOf } from "../views/valid.ts";

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ textsPerRequest: 20 });
});
afterEach(async () => {
  await setup.close();
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
    await setup.archive.save(GUILD, records, { pending: false });
    await setup.archive.save(GUILD, [message(hoursAgo(5, 1), "", { channelId: "11" })], { pending: false });
    const before = await setup.engine.analyze(GUILD);
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

    await setup.start();
    await setup.settled();
    const [first, second] = records;
    if (first === undefined || second === undefined) throw new Error("no records");
    await setup.archive.save(GUILD, [{ ...first, content: "edited" }], { pending: false });
    await setup.archive.remove(GUILD, "message", [second.id]);
    expect(await setup.engine.analyze(GUILD)).toMatchObject({
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
    ["an analysis", () => setup.engine.analyze(GUILD)],
    ["a check", () => setup.engine.verify(GUILD)],
  ])("%s lets what members wait for go first, between its pages", async (_what, look) => {
    await setup.archive.save(GUILD, acrossPhases(), { pending: false });
    await setup.start();
    await setup.settled();
    let [looks, clear] = [0, () => {}];
    const isClear = new Promise<void>((resolve) => {
      clear = resolve;
    });
    Object.assign(setup.foreground, {
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
    ["disk", (world: Setup["world"]) => Object.assign(world, { freeBytes: 9e9 })],
    ["memory", (world: Setup["world"]) => Object.assign(world, { usedMemoryBytes: 7.9e9 })],
    ["message-content", (world: Setup["world"]) => Object.assign(world, { readsContent: false })],
  ] as const)("is refused by the pre-flight check of %s, with what to do", async (name, spoil) => {
    await setup.archive.save(GUILD, history(3), { pending: false });
    spoil(setup.world);
    const outcome = await setup.start();
    if (outcome.outcome !== "refused") throw new Error(`it was ${outcome.outcome}`);
    const failed = outcome.analysis.preflight.filter(({ ok }) => !ok);
    expect(failed.map((check) => check.name)).toEqual([name]);
    expect(textOf(refusedView(outcome.analysis))).toMatch(/➜ \w+/);
    expect(await setup.status()).toBeUndefined();
  });

  test("is refused when the embedder does not answer", async () => {
    await setup.archive.save(GUILD, history(3), { pending: false });
    setup.server?.misbehave({ status: 500 });
    const outcome = await setup.start();
    expect(outcome.outcome).toBe("refused");
    expect(await setup.status()).toBeUndefined();
  });

  test("of another process's guild is refused with who holds it", async () => {
    const other = await openSetup({
      folder: setup.folder,
      ...(setup.server && { server: setup.server }),
      holder: "the other one",
    });
    await expect(other.start()).rejects.toMatchObject({ refusal: { kind: "not-owned", holder: "setup" } });
    await other.stop();
  });

  test("says that there is nothing to do when everything is embedded", async () => {
    expect((await setup.start()).outcome).toBe("nothing-to-do");
    await setup.archive.save(GUILD, history(3), { pending: false });
    await setup.start();
    await setup.settled();
    expect((await setup.start()).outcome).toBe("nothing-to-do");
  });

  test("twice at once starts one run", async () => {
    await setup.archive.save(GUILD, history(50), { pending: false });
    const outcomes = await Promise.all([setup.start({ pace: "gentle" }), setup.start({ pace: "gentle" })]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["started", "already-running"]);
    expect((await setup.impatiently(() => setup.settled())).status).toBe("succeeded");
    expect((await setup.rows()).size).toBe(50);
  });

  test("and being taken up again at boot at once make one run", async () => {
    await setup.archive.save(GUILD, history(100), { pending: false });
    await setup.start({ pace: "gentle" });
    await until(async () => totals(await setup.run()).read > 0, "a first checkpoint");
    await setup.engine.stop();
    expect(await setup.status()).toBe("interrupted");
    await setup.stop();
    setup = await reopen(setup);
    await Promise.allSettled([
      setup.engine.recover(GUILD),
      setup.start({ pace: "gentle" }),
      setup.engine.recover(GUILD),
    ]);
    await setup.impatiently(() => setup.settled());
    expect([...(await setup.rows()).keys()].filter((key) => key.includes("duplicate"))).toEqual([]);
    expect((await setup.rows()).size).toBe(100);
  });

  test("a start while the process shuts down begins nothing", async () => {
    await setup.archive.save(GUILD, history(50), { pending: false });
    const starting = setup.start().catch((thrown: unknown) => thrown);
    await setup.engine.stop();
    const outcome = await starting;
    expect(outcome instanceof UserError || (await setup.status()) === "interrupted").toBe(true);
    const rows = (await setup.rows()).size;
    await setup.engine.done(GUILD);
    expect((await setup.rows()).size).toBe(rows);
  });
});

describe("a run", () => {
  test("works newest first, phase by phase, and its books balance", async () => {
    const embedded: string[] = [];
    await setup.archive.save(GUILD, acrossPhases(), { pending: false });
    const { writer } = await setup.indexes.open(GUILD);
    const write = writer.write;
    writer.write = (rows, options) => {
      embedded.push(...rows.map(({ id }) => id));
      return write(rows, options);
    };
    await setup.start();
    const run = await setup.settled();
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
    const report = setup.posts.find((post) => post.kind === "report");
    expect(report?.kind === "report" && report.verification?.criteria.every(({ ok }) => ok)).toBe(true);
  });

  test("does only the phases asked for, and a later one of all phases still reaches what is newer", async () => {
    await setup.archive.save(GUILD, acrossPhases(), { pending: false });
    await setup.start({ phases: ["full"] });
    const first = await setup.settled();
    expect(first.phases.map(({ name }) => name)).toEqual(["full"]);
    expect(snowflakeTime(first.cutoffId)).toBeGreaterThan(Date.now() - 3_600_000);
    expect((await setup.rows()).size).toBe(25);
    await setup.start();
    expect(totals(await setup.settled())).toMatchObject({ embedded: 55, unchanged: 25 });
  });

  test("of which nothing can be embedded fails and says so", async () => {
    await setup.archive.save(GUILD, history(12), { pending: false });
    setup.server?.misbehave(
      { status: 400, says: "no" },
      { when: (texts) => texts.some((text) => text.includes("token")) },
    );
    await setup.start();
    const run = await setup.impatiently(() => setup.settled(), 3_000);
    expect(run).toMatchObject({ status: "failed", reason: { kind: "nothing-embedded", planned: 12 } });
    expect(totals(run)).toMatchObject({ quarantined: 12, remaining: 0 });
  });

  test("embeds stale rows in several batches by itself, leaving none to others", async () => {
    const records = history(90);
    await setup.archive.save(GUILD, records, { pending: false });
    await setup.start();
    await setup.settled();
    await setup.archive.save(
      GUILD,
      records.map((each) => ({ ...each, content: `${each.content} revised` })),
      { pending: false },
    );
    await setup.start();
    const run = await setup.settled();
    expect(totals(run)).toMatchObject({ embedded: 90, skipped: 0 });
    expect(run.skippedBy).toEqual({});
    expect((await setup.rows()).size).toBe(90);
  });

  test("removes orphans and duplicates, and leaves the rest alone", async () => {
    const records = history(10);
    await setup.archive.save(GUILD, records, { pending: false });
    await setup.start();
    await setup.settled();
    const before = await setup.rows();
    const { index } = await setup.indexes.open(GUILD);
    const [row, twin] = await index.rows(records.slice(0, 2).map(({ id }) => id));
    if (row === undefined || twin === undefined) throw new Error("no rows");
    await index.write([{ ...row, id: hoursAgo(50), text: "nobody wrote this" }], { fresh: true });
    await index.write([twin], { fresh: true });
    expect(await setup.engine.verify(GUILD)).toMatchObject({ orphaned: 1, duplicates: 1, stale: 1, missing: 0 });
    await setup.start();
    expect((await setup.settled()).status).toBe("succeeded");
    expect(await setup.rows()).toEqual(before);
  });
});

test("what is archived is in the plan, also when the clock says that it is still to be written", async () => {
  await setup.archive.save(GUILD, [...history(5), message(hourOfChild(0), "from a time to come")], { pending: false });
  expect(await setup.engine.analyze(GUILD)).toMatchObject({ records: 6, missing: 6 });
  await setup.start();
  expect(await setup.settled()).toMatchObject({ status: "succeeded" });
  expect((await setup.rows()).size).toBe(6);
});

describe("a process that ends", () => {
  test("while Discord takes its time for the progress message logs no error when the answer comes and the stores are closed", async () => {
    await setup.archive.save(GUILD, acrossPhases(), { pending: false });
    let answer = () => {};
    let isAsked = false;
    const { queue, world } = setup;
    const { embed } = queue;
    // It works on until the edit is under way.
    Object.assign(queue, {
      async embed(...given: Parameters<typeof embed>) {
        if (given[1].priority === "backfill") await until(() => isAsked, "the edit is under way");
        return await embed(...given);
      },
    });
    Object.defineProperty(world, "edited", {
      get() {
        isAsked = true;
        return new Promise<void>((resolve) => {
          answer = resolve;
        });
      },
    });
    await setup.start();
    await setup.impatiently(() => until(() => isAsked, "the edit is under way"));
    await setup.impatiently(() => setup.stop());
    answer();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(setup.log.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("pausing", () => {
  test("finishes the batches in flight, and the checkpoint has everything before it", async () => {
    await setup.archive.save(GUILD, history(600), { pending: false });
    await setup.start({ pace: "gentle" });
    await setup.impatiently(() => until(async () => totals(await setup.run()).read > 0, "a first checkpoint"));
    expect((await setup.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    const run = await setup.settled();
    expect(run).toMatchObject({ status: "paused", reason: { kind: "asked", by: "Grace" } });
    const phase = run.phases[0];
    if (phase?.cursor === undefined) throw new Error("it had finished already");
    expect(isBalanced(phase.counters)).toBe(true);
    const { index } = await setup.indexes.open(GUILD);
    const settled = await setup.archive.page(
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
    expect((await setup.engine.pause(GUILD, "Grace")).outcome).toBe("already-paused");
  });

  test("and resuming embeds nothing a second time", async () => {
    await setup.archive.save(GUILD, history(400), { pending: false });
    await setup.start();
    await until(async () => totals(await setup.run()).read > 0, "a first checkpoint");
    await setup.engine.pause(GUILD, "Grace");
    await setup.settled();
    const rows = (await setup.rows()).size;
    const sent = textsSent(setup);
    expect(await setup.start()).toMatchObject({ outcome: "resumed", from: "paused" });
    const run = await setup.settled();
    expect(run.status).toBe("succeeded");
    expect(totals(run)).toMatchObject({ embedded: 400, unchanged: 0, read: 400 });
    const queries = 40;
    expect(textsSent(setup) - sent).toBeLessThanOrEqual(400 - rows + queries);
  });

  test("works during a cooldown, while waiting for the embedder and while starting", async () => {
    await setup.archive.save(GUILD, history(300), { pending: false });
    await setup.start({ pace: "gentle" });
    await until(async () => (await setup.rows()).size > 0, "the first rows");
    await setup.engine.pause(GUILD, "Grace");
    expect((await setup.settled(3_000)).status).toBe("paused");

    await setup.start({ pace: "gentle" });
    const healthy = setup.server?.misbehave({ status: 503 });
    await until(async () => (await setup.status()) === "waiting", "the run waits");
    await setup.engine.pause(GUILD, "Grace");
    expect((await setup.settled(3_000)).status).toBe("paused");
    healthy?.();

    const starting = setup.start({ pace: "gentle" });
    await setup.engine.pause(GUILD, "Grace");
    await starting;
    expect((await setup.settled(3_000)).status).toBe("paused");
  });

  test("asked again after five minutes forces a run whose batch hangs", async () => {
    await setup.close();
    setup = await openSetup({ textsPerRequest: 20, requestTimeoutMs: 60_000 });
    await setup.archive.save(GUILD, history(300), { pending: false });
    await setup.start({ pace: "gentle" });
    await until(async () => (await setup.rows()).size > 0, "the first rows");
    setup.server?.misbehave("hang");
    const sent = setup.server?.requests.length ?? 0;
    await until(() => (setup.server?.requests.length ?? 0) > sent, "a request that hangs");
    expect((await setup.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    expect((await setup.engine.pause(GUILD, "Grace")).outcome).toBe("pausing");
    await setup.pass(5 * 60_000 + 1_000);
    expect((await setup.engine.pause(GUILD, "Grace")).outcome).toBe("forced");
    expect(await setup.settled(2_000)).toMatchObject({ status: "paused" });
  });

  test("nothing says that nothing is running", async () => {
    expect((await setup.engine.pause(GUILD, "Grace")).outcome).toBe("nothing-running");
  });
});

const textsSent = ({ server }: Setup) => server?.requests.reduce((sum, { texts }) => sum + texts, 0) ?? 0;

/** A new process over what the last one left behind. */
async function reopen(last: Setup): Promise<Setup> {
  return openSetup({ folder: last.folder, textsPerRequest: 20 });
}
