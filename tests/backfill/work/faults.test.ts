// What goes wrong during a run, and what becomes of it: the embedder, the texts, the machine, the admin channel, other processes.

import { openKv } from "@deno/kv";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeV8, encodeV8 } from "../../../src/adapters/denokv/codec.ts";
import { recordKey } from "../../../src/adapters/denokv/keys.ts";
import type { AlertName } from "../../../src/backfill/run/alerts.ts";
import { isBalanced, totals } from "../../../src/backfill/run/run.ts";
import { RejectedInputError, TransientError, UserError } from "../../../src/errors.ts";
import { reasonText, waitingForText } from "../../../src/views/reasons.ts";
import { startEmbeddingServer } from "../../support/embedding-server.ts";
import {
  channel,
  createSkippableClock,
  GUILD,
  history,
  hoursAgo,
  message,
  openSetup,
  type Setup,
  testEmbedder,
  until,
} from "../../support/engine.ts";

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ textsPerRequest: 20 });
});
afterEach(async () => {
  await setup.close();
});

const save = (count: number) => setup.archive.save(GUILD, history(count), { pending: false });
const someRows = () => until(async () => (await (await setup.indexes.open(GUILD)).index.count()) > 0, "the first rows");
/** A text is given up only after three times, minutes apart: time passes at this step. Milliseconds. */
const MINUTES_PASS = 3_000;
const failed = (event: string) => setup.log.filter((line) => line.event === event).length;
const alerts = () =>
  setup.posts.flatMap((post) =>
    post.kind === "alert-raised" || post.kind === "alert-resolved" ? [`${post.kind} ${post.alert.name}`] : [],
  );
const expectAlert = (name: AlertName) => [`alert-raised ${name}`, `alert-resolved ${name}`];

describe("an embedder that dies in the middle of a run", () => {
  test("is waited for, with one alert; no record is charged, and the run goes on by itself", async () => {
    await save(300);
    const startedAt = setup.clock.elapsed();
    await setup.start({ pace: "gentle" });
    await someRows();
    const restore = setup.server?.misbehave({ status: 503 });
    await until(async () => (await setup.status()) === "waiting", "the run waits");
    expect((await setup.run()).reason).toMatchObject({
      kind: "embedder-down",
      message: expect.stringContaining("503"),
    });
    await setup.pass(30_000);
    await until(() => alerts().length > 0, "the alert");
    const { waitingFor, run, alerts: active } = await setup.engine.status(GUILD);
    expect(waitingFor && waitingForText(waitingFor)).toMatch(/next try in \d+ s/);
    expect(active.map(({ name }) => name)).toEqual(["embedder-down"]);
    expect(run?.status).toBe("waiting");
    await until(() => (setup.breaker.state()?.probes ?? 0) > 1, "it is tried again");
    expect(totals(await setup.run()).quarantined).toBe(0);
    restore?.();
    await setup.pass(60_000);
    const ended = await setup.impatiently(() => setup.settled());
    expect(ended).toMatchObject({ status: "succeeded" });
    expect(ended.reason).toEqual({ kind: "nothing-remains" });
    expect(totals(ended)).toMatchObject({ embedded: 300, quarantined: 0 });
    expect(ended.batches.failed).toBeGreaterThan(0);
    await until(() => alerts().includes("alert-resolved embedder-down"), "the end of the alert");
    expect(alerts().filter((each) => each.endsWith("embedder-down"))).toEqual(expectAlert("embedder-down"));
    expect(ended.breaker).toBeUndefined();
    // Waiting is not running.
    expect(ended.runningMs).toBeLessThan(setup.clock.elapsed() - startedAt - 30_000);
  });

  test("is remembered over a restart: the run waits on without asking before its time", async () => {
    await save(300);
    await setup.start({ pace: "gentle" });
    await someRows();
    setup.server?.misbehave({ status: 503 });
    await setup.impatiently(() => until(() => (setup.breaker.state()?.probes ?? 0) >= 5, "it is down for a while"));
    await setup.stop();
    const { folder, server } = setup;
    const before = (await openAndLook(folder)).breaker;
    expect(before?.probes).toBeGreaterThanOrEqual(5);
    const asked = server?.requests.length;
    const next = await openSetup({ folder, ...(server && { server }), textsPerRequest: 20 });
    await until(async () => (await next.status()) === "waiting", "the run waits again");
    expect(next.breaker.state()).toMatchObject({ openedAt: before?.openedAt, probes: before?.probes });
    expect(server?.requests.length).toBe(asked);
    await next.stop();
  });

  test("for two hours charges no record and is one alert", async () => {
    await save(100);
    await setup.start({ pace: "gentle" });
    await someRows();
    const restore = setup.server?.misbehave({ status: 503 });
    await until(async () => (await setup.status()) === "waiting", "the run waits");
    await setup.pass(2 * 3_600_000, 9_000);
    expect(await setup.status()).toBe("waiting");
    const asked = setup.breaker.state()?.probes ?? 0;
    // Once a minute at most, after the first minute.
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThanOrEqual(126);
    restore?.();
    const ended = await setup.impatiently(() => setup.settled());
    expect(totals(ended)).toMatchObject({ embedded: 100, quarantined: 0, remaining: 0 });
    await until(() => alerts().includes("alert-resolved embedder-down"), "the end of the alert");
    expect(alerts()).toEqual(expectAlert("embedder-down"));
  });

  test("a run whose process went away in its final check comes to its end", async () => {
    await save(40);
    await setup.start();
    await setup.settled();
    const stored = await setup.runStore.load(GUILD);
    if (stored === undefined) throw new Error("there is no run");
    await setup.runStore.save(GUILD, { ...stored.value, status: "interrupted" }, stored.stamp);
    await setup.engine.recover(GUILD);
    await until(async () => (await setup.status()) === "succeeded", "it succeeds once more");
  });

  test("just before the final check is waited for there too", async () => {
    await save(40);
    const { queue } = setup;
    const { embed } = queue;
    let restore: (() => void) | undefined;
    Object.assign(queue, {
      embed: (...given: Parameters<typeof embed>) => {
        if (given[1].priority === "search") restore ??= setup.server?.misbehave({ status: 503 });
        return embed(...given);
      },
    });
    await setup.archive.save(
      GUILD,
      [message(hoursAgo(99), "a text long enough to be searched for by its own words, all of them")],
      { pending: false },
    );
    await setup.start();
    await until(async () => (await setup.status()) === "waiting", "the run waits");
    restore?.();
    const run = await setup.impatiently(() => setup.settled());
    expect(run.status).toBe("succeeded");
  });

  test("that refuses even a harmless text is down, and is not asked again and again", async () => {
    await save(100);
    await setup.start({ pace: "gentle" });
    await someRows();
    const restore = setup.server?.misbehave({ status: 400, says: "no" });
    await until(async () => (await setup.status()) === "waiting", "the run waits");
    const requests = setup.server?.requests.length ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((setup.server?.requests.length ?? 0) - requests).toBeLessThan(3);
    restore?.();
    const run = await setup.impatiently(() => setup.settled());
    expect(totals(run)).toMatchObject({ embedded: 100, quarantined: 0 });
  });
});

/** The run as the process before has left it. */
async function openAndLook(folder: string) {
  const watcher = await openSetup({ folder, embedder: testEmbedder(), claim: false });
  const run = await watcher.run();
  await watcher.stop();
  return run;
}

describe("texts that are refused", () => {
  test("are set aside one by one; the others are embedded, and retry embeds them when they are accepted", async () => {
    const restore = setup.server?.misbehave(
      { status: 400, says: "not this" },
      { when: (texts) => texts.some((text) => /token(7|19|58)$/.test(text)) },
    );
    await save(60);
    await setup.start();
    const run = await setup.impatiently(() => setup.settled(40_000), MINUTES_PASS);
    expect(run.status).toBe("succeeded");
    expect(totals(run)).toMatchObject({ embedded: 57, quarantined: 3, remaining: 0 });
    expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
    const refused = [7, 19, 58].map((n) => history(60)[n]?.id);
    const failures = await setup.engine.failures(GUILD, 10);
    expect(failures.map(({ id }) => id).sort()).toEqual(refused.sort());
    expect(failures.every(({ attempts }) => attempts === 3)).toBe(true);
    expect((await setup.start()).outcome).toBe("nothing-to-do");
    restore?.();
    expect(await setup.engine.retry(GUILD)).toBe(3);
    await setup.live.idle();
    expect((await setup.rows()).size).toBe(60);
    expect((await setup.engine.status(GUILD)).quarantined).toBe(0);
  });

  test("more of them than fit into one commit are all set aside", async () => {
    await setup.close();
    const embedder = testEmbedder((texts) => {
      if (texts.some((text) => text.includes("bad") && !text.includes("fine")))
        throw new RejectedInputError("not this");
    });
    setup = await openSetup({ embedder });
    await setup.archive.save(
      GUILD,
      [...Array.from({ length: 520 }, (_, n) => message(hoursAgo(n / 4), `bad ${n}`)), message(hoursAgo(400), "fine")],
      { pending: false },
    );
    await setup.start();
    const run = await setup.impatiently(() => setup.settled(120_000), MINUTES_PASS);
    expect(run.status).toBe("succeeded");
    expect(totals(run)).toMatchObject({ embedded: 1, quarantined: 520, remaining: 0 });
    expect(await setup.engine.failures(GUILD, 2_000)).toHaveLength(520);
  }, 150_000);

  test("a stored value that cannot be read is set aside with what is wrong, and counted", async () => {
    await save(30);
    const id = history(30)[4]?.id ?? "0";
    const kv = await openKv(`${setup.folder}/archive.sqlite`, { encodeV8, decodeV8, implementation: "sqlite" });
    await kv.set(recordKey(GUILD, "message", id), { v: 99 });
    kv.close();
    await setup.start();
    const run = await setup.settled();
    expect(run.status).toBe("succeeded");
    expect(totals(run)).toMatchObject({ read: 30, embedded: 29, quarantined: 1 });
    expect(await setup.engine.failures(GUILD, 5)).toMatchObject([{ id, reason: expect.stringContaining("not valid") }]);
  });

  test("what has nothing to embed is counted with its reason", async () => {
    await save(5);
    await setup.archive.save(
      GUILD,
      [message(hoursAgo(50), ""), message(hoursAgo(51), "\u200b\u200b"), message(hoursAgo(52), "")],
      { pending: false },
    );
    await setup.start();
    const run = await setup.settled();
    expect(totals(run)).toMatchObject({ embedded: 5, skipped: 3 });
    expect(run.skippedBy).toEqual({ "no-text": 2, "invisible-text": 1 });
  });
});

describe("the latest batches that failed", () => {
  const batches = async () => (await setup.engine.status(GUILD)).run?.failedBatches ?? [];

  test("are told with time, size, reason and what was done, also after a restart", async () => {
    const isPoison = (texts: readonly string[]) => texts.some((text) => text.endsWith("token7"));
    setup.server?.misbehave({ status: 400, says: "not this" }, { when: isPoison });
    await save(100);
    const startedAt = setup.clock.now();
    await setup.start({ pace: "gentle" });
    await someRows();
    const mend = setup.server?.misbehave({ status: 503 });
    await setup.impatiently(() => until(async () => (await setup.status()) === "waiting", "the run waits"));
    await setup.impatiently(() => until(async () => (await batches()).some(({ waited }) => waited > 0), "it is told"));
    mend?.();
    await setup.impatiently(() => setup.settled(), MINUTES_PASS);
    const told = await batches();
    const [refused] = told.filter(({ setAside }) => setAside > 0);
    expect(refused).toMatchObject({ texts: 19, waited: 0, retried: 3, setAside: 1, reason: expect.any(String) });
    expect(refused?.halved).toBeGreaterThanOrEqual(3);
    expect(told.find(({ waited }) => waited > 0)).toMatchObject({ reason: expect.stringContaining("503"), halved: 0 });
    expect(told.every(({ at }) => at > startedAt && at <= setup.clock.now())).toBe(true);
    await setup.stop();
    const { folder, server } = setup;
    const next = await openSetup({ folder, ...(server && { server }) });
    expect((await next.engine.status(GUILD)).run?.failedBatches).toEqual(told);
    await next.stop();
  });

  test("are the last ten only", async () => {
    await setup.close();
    setup = await openSetup({ textsPerRequest: 4 });
    const isPoison = (texts: readonly string[]) => texts.some((text) => /token\d*[05]$/.test(text));
    setup.server?.misbehave({ status: 400, says: "not this" }, { when: isPoison });
    await save(60);
    await setup.start();
    const run = await setup.impatiently(() => setup.settled(), MINUTES_PASS);
    expect(run.batches.failed).toBeGreaterThan(10);
    expect(await batches()).toHaveLength(10);
  });
});

describe("the machine", () => {
  test("a disk that gets full pauses the run and says how to go on; it does not resume by itself", async () => {
    await save(300);
    await setup.start({ pace: "gentle" });
    await someRows();
    setup.world.freeBytes = 9e9;
    setup.clock.skip(1_000);
    const run = await setup.settled();
    expect(run).toMatchObject({
      status: "paused",
      reason: { kind: "disk-low", freeBytes: 9e9, wantedBytes: 10e9 },
    });
    await until(() => alerts().length > 0, "the alert");
    expect(alerts()).toEqual(["alert-raised disk-low"]);
    setup.world.freeBytes = 100e9;
    expect(await setup.start()).toMatchObject({
      outcome: "plan-differs",
      differences: [{ option: "pace", asked: ["full"], planned: ["gentle"] }],
    });
    expect(await setup.start({ changePlan: true })).toMatchObject({ outcome: "resumed" });
    const ended = await setup.settled();
    expect(ended).toMatchObject({ status: "succeeded", pace: "full" });
  });

  test("an archive that cannot be written for a moment leaves no run behind that nobody works on", async () => {
    await save(300);
    await setup.start({ pace: "gentle" });
    await someRows();
    const { save: store } = setup.runStore;
    const full = async () => Promise.reject(new TransientError("the disk is full"));
    Object.assign(setup.runStore, { save: full });
    await setup.impatiently(() => until(() => failed("recover:failed") > 1, "it cannot be taken up, again and again"));
    expect(setup.ownership.lease(GUILD)).toBeDefined();
    const { run } = await setup.engine.status(GUILD);
    expect(run?.status).toBe("waiting");
    expect(run && reasonText(run.reason, "/backfill")).toMatch(/the disk is full.*it goes on by itself/i);
    Object.assign(setup.runStore, { save: store });
    const ended = await setup.impatiently(() => setup.settled());
    expect(ended.status).toBe("succeeded");
    expect(totals(ended)).toMatchObject({ embedded: 300, remaining: 0 });
  });

  test("memory that gets short is told once, and the run goes on", async () => {
    await save(300);
    await setup.start({ pace: "gentle" });
    setup.world.usedMemoryBytes = 7.8e9;
    setup.clock.skip(1_000);
    await until(() => alerts().includes("alert-raised memory-high"), "the alert");
    setup.world.usedMemoryBytes = 1e9;
    setup.clock.skip(1_000);
    await until(() => alerts().includes("alert-resolved memory-high"), "its end");
    const run = await setup.impatiently(() => setup.settled());
    expect(run.status).toBe("succeeded");
    expect(alerts()).toEqual(expectAlert("memory-high"));
  });
});

test("memory that is short makes the batches smaller, and they grow back when it is not any more", async () => {
  await setup.close();
  // Slow enough that the run lasts until memory is short, and not slower than that: batches of one text take their time.
  const behaviour = { dimensions: 16, latencyMs: 50 };
  const server = await startEmbeddingServer(behaviour);
  setup = await openSetup({ server, textsPerRequest: 20 });
  await save(15_000);
  await setup.start({ pace: "full" });
  const latest = () => server.requests.slice(-8).map(({ texts }) => texts);
  await someRows();
  expect(Math.max(...latest())).toBe(20);
  setup.world.usedMemoryBytes = 7.8e9;
  setup.clock.skip(1_000);
  await until(() => alerts().includes("alert-raised memory-high"), "the alert");
  // Halved once or twice: each time so much time passes while the alert is on.
  await setup.pass(10_000);
  await until(() => Math.max(...latest()) <= 10, "the batches are smaller");
  setup.world.usedMemoryBytes = 1e9;
  behaviour.latencyMs = 0;
  const shortUntil = server.requests.length;
  const grownBack = () => server.requests.slice(shortUntil).some(({ texts }) => texts === 20);
  await setup.impatiently(() => until(grownBack, "they have grown back", 25_000));
  await setup.stop();
  await server.close();
}, 60_000);

test("a run that does not get on is noticed, told what it waits for, and goes on when it can", async () => {
  await setup.close();
  setup = await openSetup({ textsPerRequest: 20, requestTimeoutMs: 3_600_000 });
  await save(100);
  const { writer } = await setup.indexes.open(GUILD);
  const { write } = writer;
  let goOn: () => void = () => {};
  const stuck = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  writer.write = async (...given) => {
    await stuck;
    return write(...given);
  };
  await setup.start();
  const ofStalling = () => alerts().filter((each) => each.endsWith("stalled"));
  await setup.pass(5 * 60_000, 9_000);
  await setup.impatiently(() => until(() => ofStalling().length > 0, "the alert"));
  expect((await setup.run()).status).toBe("running");
  const { alerts: active } = await setup.engine.status(GUILD);
  expect(active.find(({ name }) => name === "stalled")?.detail).toMatchObject({ kind: "no-progress", waitingFor: {} });
  goOn();
  expect((await setup.impatiently(() => setup.settled())).status).toBe("succeeded");
  await setup.impatiently(() => until(() => ofStalling().length > 1, "its end"));
  expect(ofStalling()).toEqual(expectAlert("stalled"));
});

test("a disk that never answers does not keep the process from stopping", async () => {
  await save(100);
  const { writer } = await setup.indexes.open(GUILD);
  let asked = false;
  writer.write = async () => {
    asked = true;
    return await new Promise<never>(() => {});
  };
  await setup.start();
  await until(() => asked, "a write hangs");
  const startedAt = performance.now();
  await setup.stop();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

test("an admin channel that is missing does not stop a run; the status says so", async () => {
  setup.world.channelProblem = new UserError("I cannot write in <#77>");
  await save(30);
  await setup.start();
  expect((await setup.settled()).status).toBe("succeeded");
  expect((await setup.engine.status(GUILD)).adminChannelProblem).toEqual({
    kind: "error",
    message: "I cannot write in <#77>",
  });
  expect(setup.posts).toEqual([]);
});

test("one progress message is posted, and it ends with what the run came to", async () => {
  await save(60);
  await setup.start();
  await setup.settled();
  expect(setup.posts.filter(({ kind }) => kind === "progress")).toHaveLength(1);
  expect(setup.edits.at(-1)?.status.run?.status).toBe("succeeded");
});

describe("rolling back", () => {
  test("takes out the run's rows, leaves live ones, and the run is never resumed", async () => {
    await setup.live.messageSaved(GUILD, message(hoursAgo(400), "heard live"), channel("10"));
    await setup.live.idle();
    await save(50);
    await setup.start();
    const { id } = await setup.settled();
    await setup.live.messageSaved(
      GUILD,
      { ...history(50)[3], content: "edited live" } as ReturnType<typeof message>,
      channel("10"),
    );
    await setup.live.idle();
    const live = 1 + 1; // the one heard and the one edited; the next one of its channel is only rewritten, and still the run's
    const { removedRows, verification } = await setup.engine.rollback(GUILD, "Grace");
    expect((await setup.rows()).size).toBe(live);
    expect(removedRows).toBe(51 - live);
    expect(verification).toMatchObject({ missing: 51 - live, orphaned: 0 });
    expect((await setup.run()).status).toBe("cancelled");
    await setup.engine.recover(GUILD);
    expect((await setup.run()).status).toBe("cancelled");
    await expect(setup.engine.rollback(GUILD, "Grace")).rejects.toMatchObject({
      refusal: { kind: "rolled-back-already" },
    });
    expect((await setup.start()).outcome).toBe("started");
    const next = await setup.settled();
    expect(next.id).not.toBe(id);
    expect(totals(next)).toMatchObject({ embedded: 51 - live, unchanged: live });
  });

  test("is refused while the run is at work", async () => {
    await save(100);
    await setup.start({ pace: "gentle" });
    await expect(setup.engine.rollback(GUILD, "Grace")).rejects.toThrow(UserError);
  });
});

describe("other processes", () => {
  test("a process that takes over after the lease has run out finishes the run; the old one stops and doubles nothing", async () => {
    const hasten = createSkippableClock();
    await save(400);
    await setup.start({ pace: "gentle" });
    await someRows();
    const { folder, server } = setup;
    hasten.skip(60_000);
    const other = await openSetup({
      folder,
      ...(server && { server }),
      clock: hasten,
      holder: "other",
      textsPerRequest: 20,
    });
    try {
      expect(other.ownership.lease(GUILD)).toBeDefined();
      setup.clock.skip(5_000);
      await until(() => setup.ownership.lease(GUILD) === undefined, "the old owner learns of it");
      await setup.impatiently(() => setup.engine.done(GUILD));
      const isOthers = () => setup.ownership.heldElsewhere(GUILD) !== undefined;
      await setup.impatiently(() => until(isOthers, "the old owner knows who it is"));
      await expect(setup.start()).rejects.toMatchObject({ refusal: { kind: "not-owned", holder: expect.any(String) } });
      const run = await other.impatiently(() => other.settled());
      expect(run.status).toBe("succeeded");
      expect(totals(run)).toMatchObject({ read: 400, embedded: 400 });
      const rows = await other.rows();
      expect(rows.size).toBe(400);
      expect([...rows.keys()].filter((key) => key.endsWith("duplicate"))).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  test("a process that slept while another took over, finished and ended doubles nothing, and leaves its accounts alone", async () => {
    let answer = () => {};
    const late = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let isWriting = false;
    let isAsleep = false;
    const limits = { textsPerRequest: 20, parallelRequests: 4 };
    const embedder = testEmbedder(async (texts) => {
      isAsleep ||= isWriting && texts.some((text) => text.endsWith("token399"));
      if (isAsleep) await late;
    }, limits);
    await setup.close();
    setup = await openSetup({ embedder });
    await save(400);
    const { writer } = await setup.indexes.open(GUILD);
    const { write } = writer;
    writer.write = (...given) => {
      isWriting = true;
      return write(...given);
    };
    await setup.start();
    await until(() => isAsleep, "the last batch is at the embedder");
    const { folder } = setup;
    const hasten = createSkippableClock();
    hasten.skip(60_000);
    const other = await openSetup({ folder, clock: hasten, embedder: testEmbedder(() => {}, limits), holder: "other" });
    const run = await other.impatiently(() => other.settled());
    expect(totals(run)).toMatchObject({ read: 400, embedded: 400 });
    const { token } = other.ownership.lease(GUILD) ?? { token: Number.POSITIVE_INFINITY };
    await other.stop();
    const isOwnerAgain = () => (setup.ownership.lease(GUILD)?.token ?? 0) > token;
    setup.clock.skip(5_000);
    await setup.impatiently(() => until(isOwnerAgain, "it owns the guild again"));
    answer();
    await setup.impatiently(() => setup.engine.done(GUILD));
    const rows = await setup.rows();
    expect([...rows.keys()].filter((key) => key.endsWith("duplicate"))).toEqual([]);
    expect(rows.size).toBe(400);
    expect(await setup.run()).toEqual(run);
  });

  test("a process that slept longer than its lease goes on by itself when nobody took over", async () => {
    await save(400);
    await setup.start({ pace: "gentle" });
    await someRows();
    setup.clock.skip(20_000);
    const run = await setup.impatiently(() => setup.settled());
    expect(run.status).toBe("succeeded");
    expect(totals(run)).toMatchObject({ read: 400, embedded: 400 });
    expect((await setup.rows()).size).toBe(400);
  });

  test("a run made with another model is not resumed: the start embeds everything with the new one", async () => {
    await save(60);
    await setup.start({ pace: "gentle" });
    await someRows();
    await setup.stop();
    const { folder } = setup;
    setup = await openSetup({ folder, embedder: testEmbedder() });
    await until(async () => (await setup.status()) === "paused", "the old run is put aside");
    expect(await setup.engine.status(GUILD)).toMatchObject({ otherModel: true });
    expect((await setup.start()).outcome).toBe("started");
    expect(totals(await setup.settled())).toMatchObject({ embedded: 60, unchanged: 0 });
    expect(await setup.engine.status(GUILD)).toMatchObject({ otherModel: false });
  });
});
