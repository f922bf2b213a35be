import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { createOwnership, LEASE_MS, type Ownership, RENEW_EVERY_MS } from "../../src/indexing/ownership.ts";
import type { RunStore } from "../../src/ports.ts";
import { openTestArchive, recordingLogger, type TestArchive } from "../support/archive.ts";
import { createManualClock, type ManualClock, until } from "../support/engine.ts";

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

type Stored = { readonly id: string };
const parse = (value: unknown) => value as Stored;

function owner(name: string, of: { runStore: TestArchive["runStore"] } = archive, its: ManualClock = clock) {
  const store: RunStore<Stored> = of.runStore(parse);
  const changes: string[] = [];
  const ownership = createOwnership(store, name, its, logger);
  ownership.onChange((_guild, change) => changes.push(change));
  owners.push(ownership);
  return { store, ownership, changes };
}

/** Real I/O behind a manual clock: time stands still until the condition holds. */
const soon = (condition: () => boolean) => until(condition, condition.toString(), 3_000);

describe("owning a guild", () => {
  test("keeps the lease for as long as the process lives, and gives it back at its end", async () => {
    const { ownership, changes } = owner("one");
    await ownership.claim(GUILD);
    for (let renewals = 1; renewals <= 5; renewals += 1) {
      const before = ownership.lease(GUILD)?.expiresAt ?? 0;
      await clock.advance(RENEW_EVERY_MS);
      await soon(() => (ownership.lease(GUILD)?.expiresAt ?? 0) > before);
      expect(ownership.mayCommit(GUILD)).toBe(true);
    }
    expect(changes).toEqual(["acquired"]);
    await ownership.release(GUILD);
    expect(ownership.lease(GUILD)).toBeUndefined();
    const next = owner("two", second);
    await next.ownership.claim(GUILD);
    expect(next.ownership.lease(GUILD)?.holder).toBe("two");
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
    expect(await first.store.save(GUILD, { id: "run" }, undefined, { lease: stale })).toBe("lease-lost");
    await clock.advance(LEASE_MS - 2_000);
    expect(first.ownership.mayCommit(GUILD)).toBe(false);
    await soon(() => first.changes.length === 2);
    expect(first.changes).toEqual(["acquired", "lost"]);
  });

  test("commits stop three seconds before the lease ends, however late its renewal", async () => {
    const { ownership, store } = owner("one");
    store.renewLease = () => Promise.reject(new Error("the disk is gone"));
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
    const { renewLease } = store;
    store.renewLease = () => Promise.reject(new Error("asleep"));
    await ownership.claim(GUILD);
    await clock.advance(LEASE_MS + 1);
    expect(ownership.lease(GUILD)).toBeUndefined();
    store.renewLease = renewLease;
    await clock.advance(RENEW_EVERY_MS);
    await soon(() => changes.length === 2);
    expect(changes).toEqual(["acquired", "acquired"]);
    expect(ownership.mayCommit(GUILD)).toBe(true);
  });
});
