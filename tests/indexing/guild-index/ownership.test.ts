import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openArchive } from "../../../src/adapters/denokv/open.ts";
import {
  createOwnership,
  LEASE_MS,
  type Ownership,
  RENEW_EVERY_MS,
} from "../../../src/indexing/guild-index/ownership.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { OwnerStore } from "../../../src/ports/owners.ts";
import { openTestArchive, recordingLogger, type TestArchive } from "../../support/archive.ts";
import { createManualClock, type ManualClock, until } from "../../support/engine.ts";

const GUILD = "1";
const { logger } = recordingLogger();
let archive: TestArchive;
/** A second connection to the same file, as another process has it. */
let second: Awaited<ReturnType<typeof openArchive>>;
let clock: ManualClock;
const owners: Ownership[] = [];

beforeEach(async () => {
  archive = await openTestArchive();
  second = await openArchive({ location: archive.location, logger });
  clock = createManualClock();
});
afterEach(async () => {
  for (const owner of owners.splice(0)) {
    const stopping = owner.stop();
    await clock.advance(0);
    await stopping;
  }
  await second.close();
  await archive.close();
});

const anyRun = (value: unknown) => value as { readonly id: string };

function owner(name: string, of: Pick<TestArchive, "owners"> = archive, its: ManualClock = clock) {
  const store = of.owners as { -readonly [Name in keyof OwnerStore]: OwnerStore[Name] };
  const changes: string[] = [];
  const ownership = createOwnership(store, name, its, logger);
  ownership.onChange((_guild, change) => changes.push(change));
  owners.push(ownership);
  return { store, ownership, changes };
}

/**
 * On the first one's connection. Manual time is over before a write has found the file unlocked by the other connection, which would
 * make it late by the clock.
 */
const another = () => ({ owners: { ...archive.owners } });

/** Real I/O behind a manual clock: time stands still until the condition holds. */
const soon = (condition: () => boolean) => until(condition, condition.toString(), 3_000);

describe("owning a guild", () => {
  test("keeps the lease for as long as the process lives, and gives it back at its end", async () => {
    const { ownership, store, changes } = owner("one");
    const { beat } = store;
    const prolonged: unknown[] = [];
    store.beat = async (...given) => {
      const answer = await beat(...given);
      prolonged.push(answer);
      return answer;
    };
    await ownership.claim(GUILD);
    for (let renewals = 1; renewals <= 5; renewals += 1) {
      await clock.advance(RENEW_EVERY_MS);
      await soon(() => prolonged.length === renewals);
      expect(ownership.mayCommit(GUILD)).toBe(true);
    }
    expect(changes).toEqual(["acquired"]);
    await ownership.release(GUILD);
    expect(ownership.lease(GUILD)).toBeUndefined();
    const next = owner("two", second);
    await next.ownership.claim(GUILD);
    expect(next.ownership.lease(GUILD)).toBeDefined();
  });

  test("is refused to a second process, which learns who holds it and takes over when that one has died", async () => {
    const first = owner("one");
    await first.ownership.claim(GUILD);
    // The first process dies: its own time stands still from here on.
    const later = createManualClock();
    const other = owner("two", second, later);
    await other.ownership.claim(GUILD);
    expect(other.ownership.lease(GUILD)).toBeUndefined();
    expect(other.ownership.heldElsewhere(GUILD)).toBe("one");
    await until(async () => {
      await later.advance(500);
      return other.ownership.mayCommit(GUILD);
    }, "the takeover");
    expect(later.now()).toBeGreaterThanOrEqual(LEASE_MS);
    expect(other.changes).toEqual(["acquired"]);
    expect(other.ownership.heldElsewhere(GUILD)).toBeUndefined();
  });

  test("a process killed while its clock was hours ahead is not believed to live until then: a lease later its guild is taken", async () => {
    const ahead = createManualClock();
    await ahead.advance(6 * 3_600_000);
    const dead = owner("one", archive, ahead);
    await dead.ownership.claim(GUILD);
    const next = owner("two", another());
    await next.ownership.claim(GUILD);
    expect(next.ownership.lease(GUILD)).toBeUndefined();
    await until(async () => {
      await clock.advance(500);
      return next.ownership.mayCommit(GUILD);
    }, "the takeover");
    expect(clock.now()).toBeGreaterThan(LEASE_MS);
    expect(clock.now()).toBeLessThan(3 * LEASE_MS);
  });

  test("one that lives, with a clock hours ahead, keeps its guild for as long as it prolongs its heartbeat", async () => {
    const ahead = createManualClock();
    await ahead.advance(6 * 3_600_000);
    const living = owner("one", archive, ahead);
    const { beat } = living.store;
    let prolonged = 0;
    living.store.beat = (...given) => beat(...given).finally(() => (prolonged += 1));
    await living.ownership.claim(GUILD);
    const other = owner("two", another());
    await other.ownership.claim(GUILD);
    for (let renewals = 1; renewals <= 8; renewals += 1) {
      await ahead.advance(RENEW_EVERY_MS);
      await soon(() => prolonged >= renewals);
      await clock.advance(RENEW_EVERY_MS);
      await archive.archive.guilds();
    }
    expect(living.ownership.mayCommit(GUILD)).toBe(true);
    expect(other.ownership.lease(GUILD)).toBeUndefined();
    expect(other.ownership.heldElsewhere(GUILD)).toBe("one");
  });

  test("an owner that slept through a takeover can neither commit nor store its run, and learns that it has lost", async () => {
    const first = owner("one");
    await first.ownership.claim(GUILD);
    const stale = first.ownership.lease(GUILD);
    if (stale === undefined) throw new Error("no lease");
    const later = createManualClock();
    await later.advance(LEASE_MS + 1);
    const other = owner("two", second, later);
    await other.ownership.claim(GUILD);
    expect(other.ownership.lease(GUILD)?.token).toBeGreaterThan(stale.token);
    expect(await archive.runStore(anyRun).save(GUILD, { id: "run" }, undefined, { lease: stale })).toBe("lease-lost");
    await clock.advance(LEASE_MS - 2_000);
    expect(first.ownership.mayCommit(GUILD)).toBe(false);
    await soon(() => first.changes.length === 2);
    expect(first.changes).toEqual(["acquired", "lost"]);
  });

  test("commits stop three seconds before the lease ends, however late its renewal", async () => {
    const { ownership, store } = owner("one");
    store.beat = () => Promise.reject(new Error("the disk is gone"));
    await ownership.claim(GUILD);
    await clock.advance(LEASE_MS - 3_001);
    expect(ownership.mayCommit(GUILD)).toBe(true);
    await clock.advance(1);
    expect(ownership.mayCommit(GUILD)).toBe(false);
    expect(ownership.lease(GUILD)).toBeDefined();
    await clock.advance(3_000);
    expect(ownership.lease(GUILD)).toBeUndefined();
  });

  test("an owner that only slept says that it is back, so that what was left is taken up again", async () => {
    const { ownership, store, changes } = owner("one");
    const { beat } = store;
    store.beat = () => Promise.reject(new Error("asleep"));
    await ownership.claim(GUILD);
    await clock.advance(LEASE_MS + 1);
    expect(ownership.lease(GUILD)).toBeUndefined();
    store.beat = beat;
    await clock.advance(RENEW_EVERY_MS);
    await soon(() => changes.length === 2);
    expect(changes).toEqual(["acquired", "acquired"]);
    expect(ownership.mayCommit(GUILD)).toBe(true);
  });
});

describe("several processes that want the same guilds", () => {
  const GUILDS = ["1", "2", "3"];

  /** Time is the same for all; one that is frozen does nothing, however late it is, until it wakes. */
  function createWorld() {
    let nowMs = 0;
    let inFlight = 0;

    function person(name: string) {
      const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();
      const its: Clock = {
        now: () => nowMs,
        elapsed: () => nowMs,
        sleep: (ms, signal) =>
          new Promise((resolve) => {
            if (signal?.aborted) return resolve();
            const wake = () => {
              sleepers.delete(sleeper);
              signal?.removeEventListener("abort", wake);
              resolve();
            };
            const sleeper = { dueMs: nowMs + ms, wake };
            sleepers.add(sleeper);
            signal?.addEventListener("abort", wake);
          }),
      };
      const real = archive.owners;
      const counted = <Given extends readonly unknown[], Result>(act: (...given: Given) => Promise<Result>) => {
        return async (...given: Given): Promise<Result> => {
          inFlight += 1;
          return await act(...given).finally(() => {
            inFlight -= 1;
          });
        };
      };
      const store: OwnerStore = {
        start: counted(real.start),
        beat: counted(real.beat),
        end: counted(real.end),
        endSilent: counted(real.endSilent),
        take: counted(real.take),
        release: counted(real.release),
        ownerOf: counted(real.ownerOf),
      };
      const ownership = createOwnership(store, name, its, logger);
      owners.push(ownership);
      const wake = () => {
        for (const sleeper of [...sleepers]) if (sleeper.dueMs <= nowMs) sleeper.wake();
      };
      return { ownership, wake };
    }

    return {
      person,
      /** Lets everything that was set off come to its end. */
      async settle() {
        for (let quiet = 0; quiet < 3; quiet = inFlight === 0 ? quiet + 1 : 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
      pass(ms: number) {
        nowMs += ms;
      },
    };
  }

  test("never both may change one, whoever freezes and wakes when; and in the end each guild has an owner", async () => {
    const step = fc.record({
      ms: fc.integer({ min: 1, max: 9_000 }),
      frozen: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      released: fc.option(fc.record({ who: fc.nat(2), guild: fc.nat(2) }), { freq: 8, nil: undefined }),
    });
    let takeovers = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const world = createWorld();
        const people = ["one", "two", "three"].map(world.person);
        await Promise.all(people.map(({ ownership }) => ownership.claim(...GUILDS)));
        const ownersOf = (guildId: string) =>
          people.flatMap(({ ownership }, who) => (ownership.mayCommit(guildId) ? [who] : []));
        let before = GUILDS.map(ownersOf);
        const check = () => {
          const now = GUILDS.map(ownersOf);
          for (const who of now) expect(who.length).toBeLessThanOrEqual(1);
          takeovers += now.filter((who, at) => who[0] !== undefined && who[0] !== before[at]?.[0]).length;
          before = now;
        };
        for (const { ms, frozen, released } of steps) {
          world.pass(ms);
          check();
          for (const [who, { wake }] of people.entries()) if (frozen[who] !== true) wake();
          await world.settle();
          check();
          if (released === undefined) continue;
          const guildId = GUILDS[released.guild] ?? "";
          await people[released.who]?.ownership.release(guildId);
          await people[released.who]?.ownership.claim(guildId);
          check();
        }
        for (let seconds = 0; seconds < 25; seconds += 1) {
          world.pass(1_000);
          for (const { wake } of people) wake();
          await world.settle();
          check();
        }
        expect(GUILDS.map(ownersOf).map(({ length }) => length)).toEqual([1, 1, 1]);
        for (const ownership of owners.splice(0)) await ownership.stop();
      }),
      { numRuns: 15 },
    );
    // Something was tried.
    expect(takeovers).toBeGreaterThan(10);
  }, 60_000);

  test("ten thousand guilds cost one commit a renewal", async () => {
    const { ownership, store } = owner("one");
    let commits = 0;
    const { beat, take } = store;
    store.beat = async (...given) => {
      const answer = await beat(...given);
      commits += 1;
      return answer;
    };
    let looks = 0;
    store.take = (...given) => {
      looks += 1;
      return take(...given);
    };
    const guildIds = Array.from({ length: 10_000 }, (_, n) => String(n + 1));
    await ownership.claim(...guildIds);
    expect(guildIds.every((guildId) => ownership.mayCommit(guildId))).toBe(true);
    for (let renewals = 1; renewals <= 4; renewals += 1) {
      await clock.advance(RENEW_EVERY_MS);
      await soon(() => commits === renewals);
    }
    expect(looks).toBe(1);
  }, 60_000);
});
