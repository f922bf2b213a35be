// What every store of runs, owners and quarantine must do; see src/ports. `open` gives a fresh, empty store for each test.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { IdRange } from "../../src/ports/archive.ts";
import type { GenerationStore, Generations } from "../../src/ports/generations.ts";
import type { Heartbeat, Lease, OwnerStore } from "../../src/ports/owners.ts";
import type { QuarantineEntry, QuarantineStore } from "../../src/ports/quarantine.ts";
import type { RunStore } from "../../src/ports/runs.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { testId } from "../support/archive.ts";

const testRunSchema = z.object({ id: z.string(), step: z.number() });
export type TestRun = z.infer<typeof testRunSchema>;
export const parseTestRun = (value: unknown): TestRun => testRunSchema.parse(value);

const GUILD = "1343693475581890600";
const ALL: IdRange = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

interface Opened {
  readonly store: RunStore<TestRun>;
  readonly owners: OwnerStore;
  readonly quarantine: QuarantineStore;
  readonly generations: GenerationStore;
  close(): Promise<void>;
}

export function runStoreContract(name: string, open: () => Promise<Opened>): void {
  describe(`runs, owners and quarantine: ${name}`, () => {
    let { store, owners, quarantine, generations: generationStore, close } = {} as Opened;
    beforeEach(async () => {
      ({ store, owners, quarantine, generations: generationStore, close } = await open());
    });
    afterEach(() => close());

    const saved = async (run: TestRun, expected?: string, lease?: Lease) => {
      const result = await store.save(GUILD, run, expected, lease === undefined ? {} : { lease });
      if (typeof result === "string") throw new Error(`not saved: ${result}`);
      return result;
    };
    const taken = async (heartbeat: Heartbeat, now: number): Promise<Lease> => {
      const { taken: leases, held } = await owners.take(heartbeat, [GUILD], now);
      if (leases[0] === undefined) throw new Error(`held by ${held[0]?.by.holder}`);
      return leases[0];
    };
    const entry = (n: number, given: Partial<QuarantineEntry> = {}): QuarantineEntry => ({
      kind: "message",
      id: testId(n),
      contentHash: "0123456789abcdef",
      reason: "refused",
      attempts: 3,
      at: 1000,
      ...given,
    });

    describe("runs", () => {
      test("a run comes back as saved, with the version it was saved at", async () => {
        expect(await store.load(GUILD)).toBeUndefined();
        const first = await saved({ id: "r1", step: 1 });
        expect(await store.load(GUILD)).toEqual(first);
        const second = await saved({ id: "r1", step: 2 }, first.stamp);
        expect(await store.load(GUILD)).toEqual({ value: { id: "r1", step: 2 }, stamp: second.stamp });
      });

      test("a save based on an outdated version changes nothing and says so", async () => {
        const first = await saved({ id: "r1", step: 1 });
        await saved({ id: "r1", step: 2 }, first.stamp);
        expect(await store.save(GUILD, { id: "r1", step: 9 }, first.stamp)).toBe("changed");
        expect(await store.save(GUILD, { id: "r2", step: 1 }, undefined)).toBe("changed");
        expect((await store.load(GUILD))?.value).toEqual({ id: "r1", step: 2 });
      });

      test("of many saves at once from the same version exactly one wins", async () => {
        const { stamp } = await saved({ id: "r1", step: 0 });
        const results = await Promise.all(numbers(12).map((step) => store.save(GUILD, { id: "r1", step }, stamp)));
        expect(results.filter((result) => result !== "changed").length).toBe(1);
      });
    });

    describe("owners", () => {
      test("a guild has one owner until its heartbeat expires, and the token grows with each change", async () => {
        const one = await owners.start("one", 1000, 15_000);
        expect(one).toMatchObject({ holder: "one", expiresAt: 16_000 });
        const first = await taken(one, 1000);
        expect(first).toEqual({ guildId: GUILD, heartbeatId: one.id, token: first.token });
        const two = await owners.start("two", 2000, 15_000);
        expect(await owners.take(two, [GUILD], 15_999)).toEqual({ taken: [], held: [{ guildId: GUILD, by: one }] });
        const second = await taken(two, 16_000);
        expect(second.token).toBeGreaterThan(first.token);
      });

      test("whoever slept through a takeover finds its heartbeat ended, and all its guilds with it", async () => {
        const one = await owners.start("one", 1000, 15_000);
        await owners.take(one, [GUILD, "5", "6"], 1000);
        const two = await owners.start("two", 16_000, 15_000);
        await taken(two, 16_000);
        expect(await owners.beat(one, 16_001, 15_000)).toBeUndefined();
        const three = await owners.start("three", 16_002, 15_000);
        expect((await owners.take(three, [GUILD, "5", "6"], 16_002)).taken.map(({ guildId }) => guildId)).toEqual([
          "5",
          "6",
        ]);
      });

      test("a prolonged heartbeat lasts from then on, also when it had expired and nobody took anything", async () => {
        const one = await owners.start("one", 1000, 15_000);
        const lease = await taken(one, 1000);
        const prolonged = await owners.beat(one, 10_000, 15_000);
        expect(prolonged).toEqual({ ...one, expiresAt: 25_000 });
        const two = await owners.start("two", 20_000, 15_000);
        expect((await owners.take(two, [GUILD], 20_000)).held).toEqual([{ guildId: GUILD, by: prolonged }]);
        expect(await owners.beat(one, 40_000, 15_000)).toMatchObject({ expiresAt: 55_000 });
        expect(typeof (await store.save(GUILD, { id: "r1", step: 1 }, undefined, { lease }))).toBe("object");
      });

      test("another process of the same name is another owner", async () => {
        const one = await owners.start("bot", 1000, 15_000);
        const again = await owners.start("bot", 2000, 15_000);
        await taken(one, 1000);
        expect((await owners.take(again, [GUILD], 2000)).held).toEqual([{ guildId: GUILD, by: one }]);
      });

      test("taking what is one's own already changes nothing: an answer that got lost does no harm", async () => {
        const one = await owners.start("one", 1000, 15_000);
        const lease = await taken(one, 1000);
        expect(await owners.take(one, [GUILD, "5"], 2000)).toMatchObject({
          taken: [lease, { guildId: "5" }],
          held: [],
        });
      });

      test("a released guild is free at once, and its token does not come back", async () => {
        const one = await owners.start("one", 1000, 15_000);
        const first = await taken(one, 1000);
        await owners.take(one, ["5"], 1000);
        await owners.release(first);
        await owners.release(first);
        const two = await owners.start("two", 1001, 15_000);
        const { taken: second, held } = await owners.take(two, [GUILD, "5"], 1002);
        expect(second.map(({ guildId, token }) => ({ guildId, grown: token > first.token }))).toEqual([
          { guildId: GUILD, grown: true },
        ]);
        expect(held).toEqual([{ guildId: "5", by: one }]);
        await owners.release(first);
        expect((await owners.take(two, [GUILD], 1003)).taken).toEqual(second);
      });

      test("a heartbeat that ends frees all its guilds at once and does not come back", async () => {
        const one = await owners.start("one", 1000, 15_000);
        await owners.take(one, [GUILD, "5"], 1000);
        await owners.end(one);
        await owners.end(one);
        expect(await owners.beat(one, 1001, 15_000)).toBeUndefined();
        const two = await owners.start("two", 1001, 15_000);
        expect((await owners.take(two, [GUILD, "5"], 1002)).held).toEqual([]);
      });

      test("a silent heartbeat is ended, unless it has been prolonged since it was read", async () => {
        const one = await owners.start("one", 1000, 15_000);
        const later = await owners.beat(one, 2000, 15_000);
        await owners.endSilent(one);
        expect(await owners.beat(one, 2001, 15_000)).toBeDefined();
        const last = await owners.beat(one, 2002, 15_000);
        if (later === undefined || last === undefined) throw new Error("it has ended");
        await owners.endSilent(last);
        expect(await owners.beat(last, 2003, 15_000)).toBeUndefined();
      });

      test("of many who want a free guild at once exactly one gets it", async () => {
        const heartbeats = await Promise.all(numbers(10).map((n) => owners.start(`p${n}`, 1000, 15_000)));
        const results = await Promise.all(heartbeats.map((heartbeat) => owners.take(heartbeat, [GUILD], 1000)));
        const winners = results.flatMap(({ taken }) => taken);
        expect(winners.length).toBe(1);
        const winner = heartbeats.find(({ id }) => id === winners[0]?.heartbeatId);
        for (const { held } of results) for (const { by } of held) expect(by).toEqual(winner);
      });

      test("of two who want the same thousand guilds of a dead process, each guild goes to one of them", async () => {
        const guildIds = numbers(1000).map((n) => String(n + 1));
        const dead = await owners.start("dead", 1000, 15_000);
        expect((await owners.take(dead, guildIds, 1000)).taken.length).toBe(1000);
        const [one, two] = [await owners.start("one", 20_000, 15_000), await owners.start("two", 20_000, 15_000)];
        const [first, second] = await Promise.all([
          owners.take(one, guildIds, 20_000),
          owners.take(two, [...guildIds].reverse(), 20_000),
        ]);
        const taken = [...first.taken, ...second.taken].map(({ guildId }) => guildId);
        expect(taken.sort()).toEqual([...guildIds].sort());
        expect(first.held.length).toBe(second.taken.length);
        expect(first.held.every(({ by }) => by.id === two.id)).toBe(true);
      });

      test("a heartbeat that is prolonged while another wants its guild keeps it or is ended, never both", async () => {
        const outcomes = new Set<string>();
        for (const n of numbers(20)) {
          const guildId = String(n + 1);
          const one = await owners.start("one", 1000, 15_000);
          await owners.take(one, [guildId], 1000);
          const two = await owners.start("two", 16_000, 15_000);
          const [prolonged, { taken, held }] = await Promise.all([
            owners.beat(one, 16_000, 15_000),
            owners.take(two, [guildId], 16_000),
          ]);
          expect(taken.length).toBe(prolonged === undefined ? 1 : 0);
          expect(held.length).toBe(prolonged === undefined ? 0 : 1);
          outcomes.add(prolonged === undefined ? "ended" : "kept");
        }
        expect(outcomes.size).toBeGreaterThan(0);
      });

      test("a save is refused once another owns the guild, and prolonging does not disturb it", async () => {
        const one = await owners.start("one", 1000, 15_000);
        const lease = await taken(one, 1000);
        let run = await saved({ id: "r1", step: 0 }, undefined, lease);
        const prolonging = Promise.all(numbers(10).map((n) => owners.beat(one, 2000 + n, 15_000)));
        for (const step of numbers(10)) run = await saved({ id: "r1", step }, run.stamp, lease);
        await prolonging;
        const other = await taken(await owners.start("two", 50_000, 15_000), 50_000);
        expect(await store.save(GUILD, { id: "r1", step: 99 }, run.stamp, { lease })).toBe("lease-lost");
        expect((await store.load(GUILD))?.value.step).toBe(9);
        await saved({ id: "r1", step: 100 }, run.stamp, other);
      });

      test("a save is refused after the guild was released, and after the heartbeat has ended", async () => {
        const one = await owners.start("one", 1000, 15_000);
        const released = await taken(one, 1000);
        await owners.release(released);
        expect(await store.save(GUILD, { id: "r1", step: 1 }, undefined, { lease: released })).toBe("lease-lost");
        const lease = await taken(one, 1000);
        await owners.end(one);
        expect(await store.save(GUILD, { id: "r1", step: 1 }, undefined, { lease })).toBe("lease-lost");
      });

      test("a save without a lease is stored, and the owner's next one finds out", async () => {
        const lease = await taken(await owners.start("one", 1000, 15_000), 1000);
        const run = await saved({ id: "r1", step: 1 }, undefined, lease);
        await saved({ id: "r1", step: 2 }, run.stamp);
        expect(await store.save(GUILD, { id: "r1", step: 9 }, run.stamp, { lease })).toBe("changed");
      });
    });

    describe("generations", () => {
      const generations = (toldOf: string): Generations => ({
        list: [
          {
            fingerprint: "nomic-8-00000000-11111111",
            space: { modelId: "nomic", dimensions: 8, fingerprint: "nomic-8-00000000" },
            embedder: {
              kind: "server",
              baseUrl: "http://localhost:1234/v1",
              modelId: "nomic",
              answersAs: "",
              length: 8,
              documentPrefix: "d: ",
              queryPrefix: "",
            },
            status: "building",
            reason: "the first",
            statusAt: 5,
          },
        ],
        toldOf,
      });

      test("are kept by the owner, each change only by who has seen the one before", async () => {
        const lease = await taken(await owners.start("one", 0, 1_000), 0);
        expect(await generationStore.loadGenerations(GUILD)).toBeUndefined();
        const first = await generationStore.saveGenerations(GUILD, generations("a"), undefined, lease);
        if (typeof first === "string") throw new Error(first);
        expect((await generationStore.loadGenerations(GUILD))?.value).toEqual(generations("a"));
        expect(await generationStore.saveGenerations(GUILD, generations("b"), undefined, lease)).toBe("changed");
        expect(await generationStore.saveGenerations(GUILD, generations("b"), first.stamp, lease)).toMatchObject({
          value: generations("b"),
        });
        expect(await generationStore.saveGenerations(GUILD, generations("c"), first.stamp, lease)).toBe("changed");
        expect((await generationStore.loadGenerations(GUILD))?.value.toldOf).toBe("b");
      });

      test("are refused from who no longer owns the guild", async () => {
        const heartbeat = await owners.start("one", 0, 1_000);
        const lease = await taken(heartbeat, 0);
        await owners.end(heartbeat);
        await taken(await owners.start("two", 0, 1_000), 0);
        expect(await generationStore.saveGenerations(GUILD, generations("a"), undefined, lease)).toBe("lease-lost");
        expect(await generationStore.loadGenerations(GUILD)).toBeUndefined();
      });
    });

    describe("the quarantine", () => {
      test("entries are listed newest first by kind and range, replaced by id, and released", async () => {
        await quarantine.add(GUILD, [entry(1), entry(2, { channelId: "100" }), entry(3), entry(4, { kind: "note" })]);
        await quarantine.add(GUILD, [entry(2, { attempts: 4 })]);
        expect(await quarantine.list(GUILD, "message", ALL, 10)).toEqual([
          entry(3),
          entry(2, { attempts: 4 }),
          entry(1),
        ]);
        expect(await quarantine.list(GUILD, "note", ALL, 10)).toEqual([entry(4, { kind: "note" })]);
        const range = { newestId: testId(2), oldestId: testId(1) };
        expect((await quarantine.list(GUILD, "message", range, 10)).length).toBe(2);
        expect((await quarantine.list(GUILD, "message", ALL, 1)).length).toBe(1);
        await quarantine.release(GUILD, "message", [testId(2), testId(99)]);
        expect(await quarantine.list(GUILD, "message", ALL, 10)).toEqual([entry(3), entry(1)]);
        expect(await quarantine.list(GUILD, "message", { newestId: "1", oldestId: "2" }, 10)).toEqual([]);
      });

      test("entries saved with a run are stored if and only if the run is", async () => {
        const first = await store.save(GUILD, { id: "r1", step: 1 }, undefined, { quarantine: [entry(1)] });
        expect(first).toMatchObject({ value: { step: 1 } });
        expect(await store.save(GUILD, { id: "r1", step: 2 }, undefined, { quarantine: [entry(2)] })).toBe("changed");
        expect(await quarantine.list(GUILD, "message", ALL, 10)).toEqual([entry(1)]);
      });

      test("many entries with long reasons fit one save", async () => {
        const entries = numbers(500).map((n) => entry(n, { reason: "語".repeat(5000) }));
        expect(typeof (await store.save(GUILD, { id: "r1", step: 1 }, undefined, { quarantine: entries }))).toBe(
          "object",
        );
        expect((await quarantine.list(GUILD, "message", ALL, 1000)).length).toBe(500);
      });
    });
  });
}
