// What a run makes of an archive that is damaged behind its back: its own checkpoint, its lease, and records.

import { openKv } from "@deno/kv";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeV8, encodeV8 } from "../../src/adapters/denokv/codec.ts";
import { guildKey, recordKey } from "../../src/adapters/denokv/keys.ts";
import { totals } from "../../src/backfill/run/run.ts";
import type { EmbeddingServer } from "../support/embedding-server.ts";
import { GUILD, type House, history, openHouse, startServer, until } from "../support/engine.ts";

const RECORDS = 300;
let server: EmbeddingServer;
let house: House;
beforeEach(async () => {
  server = await startServer();
  house = await openHouse({ server, textsPerRequest: 20 });
  await house.archive.save(GUILD, history(RECORDS), { pending: false });
});
afterEach(async () => {
  await house.close();
  await server.close();
});

test("a checkpoint that cannot be read is put aside, and the next run finds by comparing what had been done", async () => {
  await breakOff();
  const done = (await house.rows()).size;
  await spoil(guildKey("run", GUILD), { version: 1, phases: "garbage" });
  await reopen();
  expect(await house.status()).toBeUndefined();
  expect(await house.start()).toMatchObject({ outcome: "started" });
  const run = await finished();
  expect(run.status).toBe("succeeded");
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS - done, unchanged: done, remaining: 0 });
  await expectWhole(RECORDS);
});

test("a checkpoint that is further than the work does not leave a hole: the final check finds and mends it", async () => {
  await breakOff();
  const run = await house.run();
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
  expect((await house.engine.failures(GUILD, 10)).map(({ id }) => id).sort()).toEqual(
    damaged.map((each) => each?.id).sort(),
  );
  await house.archive.save(GUILD, history(RECORDS), { pending: true });
  await house.engine.retry(GUILD);
  await house.live.idle();
  await expectWhole(RECORDS);
});

/** A run in the middle, left as by a process that has ended. Its last hundred records have not been answered. */
async function breakOff(): Promise<void> {
  const answer = server.misbehave("hang", { when: (texts) => texts.some((text) => /token2\d\d$/.test(text)) });
  await house.start({ pace: "gentle" });
  await house.impatiently(() => until(async () => totals(await house.run()).read > 0, "a first checkpoint"));
  await house.engine.stop();
  answer();
  expect(await house.status()).toBe("interrupted");
}

const finished = () => house.impatiently(() => house.settled());

async function reopen(): Promise<void> {
  await house.stop();
  house = await openHouse({ folder: house.folder, server, textsPerRequest: 20 });
}

async function spoil(key: Parameters<Awaited<ReturnType<typeof openKv>>["set"]>[0], value: unknown): Promise<void> {
  const kv = await openKv(`${house.folder}/archive.sqlite`, { encodeV8, decodeV8, implementation: "sqlite" });
  await kv.set(key, value);
  kv.close();
}

async function expectWhole(records: number): Promise<void> {
  const rows = await house.rows();
  expect(rows.size).toBe(records);
  expect([...rows.keys()].filter((key) => key.endsWith("duplicate"))).toEqual([]);
}
