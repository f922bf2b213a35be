// What every run store must do; see RunStore in src/ports.ts. `open` gives a fresh, empty store for each test.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { IdRange, Lease, QuarantineEntry, RunStore } from "../../src/ports.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { testId } from "../support/archive.ts";

const testRunSchema = z.object({ id: z.string(), step: z.number() });
export type TestRun = z.infer<typeof testRunSchema>;
export const parseTestRun = (value: unknown): TestRun => testRunSchema.parse(value);

const GUILD = "1343693475581890600";
const ALL: IdRange = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

export function runStoreContract(
  name: string,
  open: () => Promise<{ readonly store: RunStore<TestRun>; close(): Promise<void> }>,
): void {
  describe(`a run store: ${name}`, () => {
    let store: RunStore<TestRun>;
    let close: () => Promise<void>;
    beforeEach(async () => {
      ({ store, close } = await open());
    });
    afterEach(() => close());

    const saved = async (run: TestRun, expected?: string, lease?: Lease) => {
      const result = await store.save(GUILD, run, expected, lease === undefined ? {} : { lease });
      if (typeof result === "string") throw new Error(`not saved: ${result}`);
      return result;
    };
    const acquired = async (holder: string, now: number) => {
      const result = await store.acquireLease(GUILD, holder, now, 15_000);
      if (!("lease" in result)) throw new Error(`held by ${result.heldBy.holder}`);
      return result.lease;
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

      test("finished runs are listed newest first, each once", async () => {
        for (const n of numbers(12)) await store.archiveRun(GUILD, { id: `r${n}`, step: 0 });
        await store.archiveRun(GUILD, { id: "r10", step: 7 });
        expect(await store.finished(GUILD, 3)).toEqual([
          { id: "r11", step: 0 },
          { id: "r10", step: 7 },
          { id: "r9", step: 0 },
        ]);
        expect((await store.finished(GUILD, 100)).length).toBe(12);
        expect(await store.finished("5", 3)).toEqual([]);
      });

      test("runs archived at once are all kept", async () => {
        await Promise.all(numbers(8).map((n) => store.archiveRun(GUILD, { id: `r${n}`, step: 0 })));
        expect((await store.finished(GUILD, 100)).map(({ id }) => id).sort()).toEqual(numbers(8).map((n) => `r${n}`));
      });
    });

    describe("leases", () => {
      test("a guild has one owner until the lease expires, and the token grows with each change", async () => {
        const first = await acquired("one", 1000);
        expect(first).toEqual({ guildId: GUILD, holder: "one", token: first.token, expiresAt: 16_000 });
        expect(await store.acquireLease(GUILD, "two", 15_999, 15_000)).toEqual({ heldBy: first });
        const second = await acquired("two", 16_000);
        expect(second.token).toBeGreaterThan(first.token);
        expect(await store.renewLease(first, 16_001, 15_000)).toBeUndefined();
      });

      test("another process of the same name is another owner", async () => {
        const first = await acquired("bot", 1000);
        expect(await store.acquireLease(GUILD, "bot", 2000, 15_000)).toEqual({ heldBy: first });
        const second = await acquired("bot", 20_000);
        expect(await store.renewLease(first, 20_001, 15_000)).toBeUndefined();
        await store.releaseLease(first);
        expect(await store.renewLease(second, 20_002, 15_000)).toMatchObject({ expiresAt: 35_002 });
      });

      test("a renewed lease lasts from then on, also when it had expired and nobody took it", async () => {
        const lease = await acquired("one", 1000);
        const renewed = await store.renewLease(lease, 10_000, 15_000);
        expect(renewed).toEqual({ ...lease, expiresAt: 25_000 });
        expect(await store.acquireLease(GUILD, "two", 20_000, 15_000)).toEqual({ heldBy: renewed });
        expect(await store.renewLease(lease, 40_000, 15_000)).toMatchObject({ expiresAt: 55_000 });
      });

      test("a released lease is free at once, cannot be renewed, and its token does not come back", async () => {
        const first = await acquired("one", 1000);
        await store.releaseLease(first);
        await store.releaseLease(first);
        expect(await store.renewLease(first, 1001, 15_000)).toBeUndefined();
        const second = await acquired("two", 1002);
        expect(second.token).toBeGreaterThan(first.token);
      });

      test("of many who want a free guild at once exactly one gets it", async () => {
        const results = await Promise.all(numbers(10).map((n) => store.acquireLease(GUILD, `p${n}`, 1000, 15_000)));
        const winners = results.flatMap((result) => ("lease" in result ? [result.lease] : []));
        expect(winners.length).toBe(1);
        for (const result of results) if ("heldBy" in result) expect(result.heldBy).toEqual(winners[0]);
      });

      test("a save is refused once another owns the guild, and renewals do not disturb it", async () => {
        const lease = await acquired("one", 1000);
        let run = await saved({ id: "r1", step: 0 }, undefined, lease);
        const renewing = Promise.all(numbers(10).map((n) => store.renewLease(lease, 2000 + n, 15_000)));
        for (const step of numbers(10)) run = await saved({ id: "r1", step }, run.stamp, lease);
        await renewing;
        const other = await acquired("two", 50_000);
        expect(await store.save(GUILD, { id: "r1", step: 99 }, run.stamp, { lease })).toBe("lease-lost");
        expect((await store.load(GUILD))?.value.step).toBe(9);
        await saved({ id: "r1", step: 100 }, run.stamp, other);
      });

      test("a save is refused after the lease was released", async () => {
        const lease = await acquired("one", 1000);
        await store.releaseLease(lease);
        expect(await store.save(GUILD, { id: "r1", step: 1 }, undefined, { lease })).toBe("lease-lost");
      });

      test("leases of different guilds have nothing to do with each other", async () => {
        await acquired("one", 1000);
        expect("lease" in (await store.acquireLease("5", "two", 1000, 15_000))).toBe(true);
      });
    });

    describe("the quarantine", () => {
      test("entries are listed newest first by kind and range, replaced by id, and released", async () => {
        await store.quarantine(GUILD, [entry(1), entry(2, { channelId: "100" }), entry(3), entry(4, { kind: "note" })]);
        await store.quarantine(GUILD, [entry(2, { attempts: 4 })]);
        expect(await store.quarantined(GUILD, "message", ALL, 10)).toEqual([
          entry(3),
          entry(2, { attempts: 4 }),
          entry(1),
        ]);
        expect(await store.quarantined(GUILD, "note", ALL, 10)).toEqual([entry(4, { kind: "note" })]);
        const range = { newestId: testId(2), oldestId: testId(1) };
        expect((await store.quarantined(GUILD, "message", range, 10)).length).toBe(2);
        expect((await store.quarantined(GUILD, "message", ALL, 1)).length).toBe(1);
        await store.releaseQuarantine(GUILD, "message", [testId(2), testId(99)]);
        expect(await store.quarantined(GUILD, "message", ALL, 10)).toEqual([entry(3), entry(1)]);
        expect(await store.quarantined(GUILD, "message", { newestId: "1", oldestId: "2" }, 10)).toEqual([]);
      });

      test("entries saved with a run are stored if and only if the run is", async () => {
        const first = await store.save(GUILD, { id: "r1", step: 1 }, undefined, { quarantine: [entry(1)] });
        expect(first).toMatchObject({ value: { step: 1 } });
        expect(await store.save(GUILD, { id: "r1", step: 2 }, undefined, { quarantine: [entry(2)] })).toBe("changed");
        expect(await store.quarantined(GUILD, "message", ALL, 10)).toEqual([entry(1)]);
      });

      test("many entries with long reasons fit one save", async () => {
        const entries = numbers(500).map((n) => entry(n, { reason: "語".repeat(5000) }));
        expect(typeof (await store.save(GUILD, { id: "r1", step: 1 }, undefined, { quarantine: entries }))).toBe(
          "object",
        );
        expect((await store.quarantined(GUILD, "message", ALL, 1000)).length).toBe(500);
      });
    });
  });
}
