// What a run makes of an archive that is damaged behind its back: its own checkpoint, its lease, and records.

import { openKv } from "@deno/kv";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeV8, encodeV8 } from "../../src/adapters/denokv/codec.ts";
import { guildKey, recordKey } from "../../src/adapters/denokv/keys.ts";
import { totals } from "../../src/backfill/run/run.ts";
import type { EmbeddingServer } from "../support/embedding-server.ts";
import { GUILD, history, openSetup, type Setup, startServer, until } from "../support/engine.ts";

const RECORDS = 300;
let server: EmbeddingServer;
let setup: Setup;
beforeEach(async () => {
  server = await startServer();
  setup = await openSetup({ server, textsPerRequest: 20 });
  await setup.archive.save(GUILD, history(RECORDS), { pending: false });
});
afterEach(async () => {
  await setup.close();
  await server.close();
});

test("a checkpoint that cannot be read is put aside, and the next run finds by comparing what had been done", async () => {
  await breakOff();
  const done = (await setup.rows()).size;
  await spoil(guildKey("run", GUILD), { version: 1, phases: "garbage" });
  await reopen();
  expect(await setup.status()).toBeUndefined();
  expect(await setup.start()).toMatchObject({ outcome: "started" });
  const run = await finished();
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS - done, unchanged: done, remaining: 0 });
  await expectWhole(RECORDS);
});

test("a checkpoint that is further than the work does not leave a hole: the final check finds and mends it", async () => {
  await breakOff();
  const run = await setup.run();
  const phases = run.phases.map(({ cursor: _, ...phase }) => phase);
  await spoil(guildKey("run", GUILD), { ...run, phases });
  await reopen();
  expect((await finished()).status).toBe("succeeded");
  await expectWhole(RECORDS);
});

test("an owner that cannot be read does not keep the run from going on", async () => {
  await breakOff();
  await spoil(guildKey("owner", GUILD), "garbage");
  await reopen();
  expect((await finished()).status).toBe("succeeded");
  await expectWhole(RECORDS);
});

test("records that are damaged during a run are set aside one by one, and saving them again mends them", async () => {
  await breakOff();
  const damaged = [RECORDS - 1, RECORDS - 7, RECORDS - 30].map((n) => history(RECORDS)[n]);
  for (const record of damaged) await spoil(recordKey(GUILD, "message", record?.id ?? "0"), { v: 99 });
  await reopen();
  const run = await finished();
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS - 3, quarantined: 3, remaining: 0 });
  expect((await setup.engine.failures(GUILD, 10)).map(({ id }) => id).sort()).toEqual(
    damaged.map((each) => each?.id).sort(),
  );
  await setup.archive.save(GUILD, history(RECORDS), { pending: true });
  await setup.engine.retry(GUILD);
  await setup.live.idle();
  await expectWhole(RECORDS);
});

/** A run in the middle, left as by a process that has ended. Its last hundred records have not been answered. */
async function breakOff(): Promise<void> {
  const answer = server.misbehave("hang", { when: (texts) => texts.some((text) => /token2\d\d$/.test(text)) });
  await setup.start({ pace: "gentle" });
  await setup.impatiently(() => until(async () => totals(await setup.run()).read > 0, "a first checkpoint"));
  await setup.engine.stop();
  answer();
  expect(await setup.status()).toBe("interrupted");
}

const finished = () => setup.impatiently(() => setup.settled());

async function reopen(): Promise<void> {
  await setup.stop();
  setup = await openSetup({ folder: setup.folder, server, textsPerRequest: 20 });
}

async function spoil(key: Parameters<Awaited<ReturnType<typeof openKv>>["set"]>[0], value: unknown): Promise<void> {
  const kv = await openKv(`${setup.folder}/archive.sqlite`, { encodeV8, decodeV8, implementation: "sqlite" });
  await kv.set(key, value);
  kv.close();
}

async function expectWhole(records: number): Promise<void> {
  const rows = await setup.rows();
  expect(rows.size).toBe(records);
  expect([...rows.keys()].filter((key) => key.endsWith("duplicate"))).toEqual([]);
}
