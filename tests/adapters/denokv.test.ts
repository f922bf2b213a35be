// The archive and the run store on a real local file: the contracts, and what only a real file can do wrong.

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serialize } from "node:v8";
import { type Kv, type KvKey, openKv } from "@deno/kv";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeV8, encodeV8 } from "../../src/adapters/denokv/codec.ts";
import { formatKey, guildKey, heartbeatKey, markKey, recordKey } from "../../src/adapters/denokv/keys.ts";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { TransientError, UserError } from "../../src/errors.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { archiveContract } from "../contracts/archive.ts";
import { parseTestRun, runStoreContract } from "../contracts/run-store.ts";
import { openTestArchive, recordingLogger, type TestArchive, testId, testMessage } from "../support/archive.ts";

archiveContract("Deno KV", openTestArchive);
runStoreContract("Deno KV", async () => {
  const opened = await openTestArchive();
  return { ...opened, store: opened.runStore(parseTestRun) };
});

const GUILD = "1343693475581890600";
const ALL = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };

test("what is used in a month is added up, whoever adds at the same time, and kept by month", async () => {
  const { spendingStore, close } = await openTestArchive();
  const month = (n: number) => `2026-${n}`;
  await Promise.all(Array.from({ length: 20 }, () => spendingStore.addUse(month(11), { tokens: 3, dollars: 0.5 })));
  await spendingStore.addUse(month(12), { tokens: 7, dollars: 0, spentFor: "a budget" });
  const uses = await Promise.all([10, 11, 12].map((n) => spendingStore.useIn(month(n))));
  expect(uses).toEqual([
    { tokens: 0, dollars: 0 },
    { tokens: 60, dollars: 10 },
    { tokens: 7, dollars: 0, spentFor: "a budget" },
  ]);
  await close();
});

describe("values that are damaged", () => {
  let opened: TestArchive;
  /** A second connection that writes what it likes. */
  let intruder: Kv;
  /** What the intruder's next value becomes as bytes. */
  let bytes: Uint8Array | undefined;
  beforeEach(async () => {
    opened = await openTestArchive();
    bytes = undefined;
    intruder = await openKv(opened.location, { encodeV8: (value: unknown) => bytes ?? encodeV8(value), decodeV8 });
  });
  afterEach(async () => {
    intruder.close();
    await opened.close();
  });
  const writeBytes = async (key: KvKey, raw: Uint8Array) => {
    bytes = raw;
    await intruder.set(key, "replaced by the bytes");
    bytes = undefined;
  };

  test("are listed with their reason and end no page; the records around them are read", async () => {
    const { archive } = opened;
    await archive.save(
      GUILD,
      [1, 2, 3, 4, 5, 6].map((n) => testMessage(n)),
      { pending: false },
    );
    const key = (n: number) => recordKey(GUILD, "message", testId(n));
    await writeBytes(key(2), new Uint8Array([1, 2, 3]));
    await writeBytes(key(3), serialize({ v: 2 }));
    await intruder.set(key(4), new Uint8Array([9]));
    await intruder.set(key(5), { v: 1, channelId: "100" });
    const page = await archive.page(GUILD, "message", ALL, 100);
    expect(page.records.map(({ record }) => record.id)).toEqual([6, 1].map(testId));
    expect(page.damaged.map(({ id }) => id)).toEqual([5, 4, 3, 2].map(testId));
    expect(page.damaged.at(-1)?.reason).toMatch(/do not decode/);
    expect(page.damaged[2]?.reason).toMatch(/not valid: v/);
    expect([...(await archive.get(GUILD, "message", [testId(1), testId(2)])).keys()]).toEqual([testId(1)]);
    expect((await archive.neighbours(GUILD, "100", testId(6), "before", 5)).map(({ record }) => record.id)).toEqual([
      testId(1),
    ]);
    expect(opened.complaints).toContain("archive:damaged");
  });

  test("are mended by saving the record again, and can be removed", async () => {
    const { archive } = opened;
    await archive.save(GUILD, [testMessage(1), testMessage(2)], { pending: false });
    for (const n of [1, 2]) await writeBytes(recordKey(GUILD, "message", testId(n)), new Uint8Array([0]));
    expect(await archive.save(GUILD, [testMessage(1)], { pending: true })).toMatchObject({ changed: 1 });
    expect(await archive.remove(GUILD, "message", [testId(2)])).toEqual({ removed: 1 });
    const page = await archive.page(GUILD, "message", ALL, 100);
    expect([page.records.length, page.damaged.length]).toEqual([1, 0]);
    expect((await archive.pending(GUILD, 10)).length).toBe(2);
    expect(await archive.finishRemoval(GUILD, { by: "channel", id: "100" })).toMatchObject({ removed: 1 });
  });

  test("of settings, channels, cursors, removals and quarantine read as absent and are logged", async () => {
    const { archive } = opened;
    await archive.saveChannels(GUILD, [{ id: "7", name: "a", type: "text", accessChannelId: "7" }]);
    const keys = [
      guildKey("settings", GUILD),
      guildKey("channel", GUILD, "8"),
      guildKey("cursor", GUILD, "8"),
      markKey("quarantine", GUILD, "message", "5"),
    ];
    for (const key of keys) await writeBytes(key, new Uint8Array([255, 0]));
    await intruder.set(["removal", BigInt(GUILD), "channel", 1n], 42);
    expect(await archive.settings(GUILD)).toEqual({});
    expect((await archive.channels(GUILD)).map(({ id }) => id)).toEqual(["7"]);
    expect(await archive.cursor(GUILD, "8")).toBeUndefined();
    expect(await archive.unfinishedRemovals(GUILD)).toEqual([]);
    expect(await opened.quarantine.list(GUILD, "message", ALL, 10)).toEqual([]);
    expect(opened.complaints.length).toBe(5);
  });

  test("of a run are put aside, so that a new run can start", async () => {
    const store = opened.runStore(parseTestRun);
    await intruder.set(guildKey("run", GUILD), { step: "three" });
    expect(await store.load(GUILD)).toBeUndefined();
    expect(opened.complaints).toEqual(["run:damaged"]);
    expect((await intruder.get(guildKey("run-damaged", GUILD))).value).toEqual({ step: "three" });
    expect(typeof (await store.save(GUILD, { id: "r", step: 1 }, undefined))).toBe("object");
  });

  test("of an owner, or of its heartbeat, do not keep a guild locked", async () => {
    const { owners } = opened;
    const one = await owners.start("one", 1, 10);
    await intruder.set(guildKey("owner", GUILD), "nobody");
    expect((await owners.take(one, [GUILD], 1)).taken).toMatchObject([{ guildId: GUILD, token: 1 }]);
    await intruder.set(heartbeatKey(one.id), { holder: "one" });
    const two = await owners.start("two", 1, 10);
    expect((await owners.take(two, [GUILD], 1)).taken).toMatchObject([{ guildId: GUILD, token: 2 }]);
  });

  test("another process stops storing what is excluded from the very commit on", async () => {
    const second = await openArchive({ location: opened.location, logger: recordingLogger().logger });
    try {
      let saves = 0;
      const save = () => {
        saves += 1;
        return second.archive.save(GUILD, [testMessage(saves)], { pending: false });
      };
      let isOver = false;
      const saving = (async () => {
        while (!isOver) await save();
      })();
      const page = async () => (await opened.archive.page(GUILD, "message", ALL, 1_000)).records.length;
      // Otherwise it may be excluded before anything is stored, or, where the file is locked for long, after all of it.
      while ((await page()) === 0) {}
      await opened.archive.exclude(GUILD, { by: "author", id: "200" });
      const there = await page();
      isOver = true;
      await saving;
      await save();
      expect(await page()).toBe(there);
      expect(there).toBeLessThan(saves);
    } finally {
      await second.close();
    }
  });

  test("two connections share one file, and each sees the other's marks and guilds", async () => {
    const second = await openArchive({ location: opened.location, logger: recordingLogger().logger });
    try {
      const saves = [opened, second].map(({ archive }, who) =>
        archive.save(
          GUILD,
          Array.from({ length: 300 }, (_, n) => testMessage(n, { content: `by ${who}` })),
          { pending: true },
        ),
      );
      await Promise.all(saves);
      expect((await second.archive.page(GUILD, "message", ALL, 1000)).records.length).toBe(300);
      expect((await opened.archive.pending(GUILD, 1000)).length).toBe(300);
      const [mine, theirs] = [opened.owners, second.owners] as const;
      const [one, two] = [await mine.start("one", 1, 10), await theirs.start("two", 2, 10)];
      await mine.take(one, [GUILD], 1);
      expect((await theirs.take(two, [GUILD], 2)).held).toEqual([{ guildId: GUILD, by: one }]);
    } finally {
      await second.close();
    }
  });
});

describe("opening", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "backscroll-open-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const attempt = async (location: string) => {
    const opened = await openArchive({ location, logger: recordingLogger().logger });
    await opened.close();
  };
  const refusal = async (location: string) => {
    const error = await attempt(location).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  };
  /** Mounts need a privileged Linux user; elsewhere the test says that it did not run. */
  const mounted = (skip: (reason: string) => never, ...args: string[]) => {
    try {
      execFileSync("mount", args, { stdio: "pipe" });
    } catch {
      skip("mounting a file system is not allowed here");
    }
    return () => execFileSync("umount", [args.at(-1) ?? ""], { stdio: "pipe" });
  };

  test("makes the folder, and opens again what it made", async () => {
    const location = join(folder, "deep", "er", "archive.sqlite");
    await attempt(location);
    await attempt(location);
  });

  test("refuses a folder, a file where a folder should be, and a place where nothing can be made, naming it", async () => {
    await writeFile(join(folder, "file"), "x");
    for (const location of [folder, join(folder, "file", "archive.sqlite"), "/proc/nowhere/archive.sqlite"]) {
      expect(await refusal(location)).toContain(location);
    }
  });

  test("refuses a file that is no database, and leaves it as it is", async () => {
    const location = join(folder, "archive.sqlite");
    await writeFile(location, "these are my tax records");
    expect(await refusal(location)).toMatch(/archive\.sqlite is damaged or is not an archive/);
  });

  test.each([4096, 8192, 30_000])(
    "refuses a database damaged from byte %i on, without taking the process down",
    async (from) => {
      const location = join(folder, "archive.sqlite");
      const opened = await openArchive({ location, logger: recordingLogger().logger });
      await opened.archive.save(
        GUILD,
        Array.from({ length: 500 }, (_, n) => testMessage(n)),
        { pending: false },
      );
      await opened.close();
      const file = await open(location, "r+");
      await file.write(Buffer.alloc(60_000, 0x41), 0, 60_000, from);
      await file.close();
      expect(await refusal(location)).toContain(location);
    },
  );

  test("refuses an archive made by a later version", async () => {
    const location = join(folder, "archive.sqlite");
    await attempt(location);
    const kv = await openKv(location, { encodeV8, decodeV8 });
    await kv.set(formatKey, { version: 2 });
    kv.close();
    expect(await refusal(location)).toMatch(/another version of Backscroll \(its format is 2/);
  });

  test("refuses a read-only file system, saying what to check", async ({ skip }) => {
    const location = join(folder, "archive.sqlite");
    await attempt(location);
    const unmount = mounted(skip, "--bind", "-o", "ro", folder, folder);
    try {
      expect(await refusal(location)).toMatch(/cannot be opened for writing/);
      expect(await refusal(join(folder, "new.sqlite"))).toMatch(/cannot be opened for writing/);
    } finally {
      unmount();
    }
  });

  test("a full disk is worth a retry while running, a refusal at the start, and harms nothing stored", async ({
    skip,
  }) => {
    const disk = join(folder, "disk");
    await mkdir(disk);
    const unmount = mounted(skip, "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk);
    const location = join(disk, "archive.sqlite");
    try {
      const opened = await openArchive({ location, logger: recordingLogger().logger });
      const fill = async () => {
        for (let n = 0; n < 500; n += 1) {
          await opened.archive.save(GUILD, [testMessage(n, { content: "語".repeat(10_000) })], { pending: true });
        }
      };
      await expect(fill()).rejects.toThrow(TransientError);
      await expect(fill()).rejects.toThrow(/is full\. What was stored is safe/);
      const page = await opened.archive.page(GUILD, "message", ALL, 1000);
      expect(page.records.length).toBeGreaterThan(10);
      expect((await opened.archive.pending(GUILD, 1000)).length).toBe(page.records.length);
      await opened.close();
      await writeFile(join(disk, "ballast"), Buffer.alloc(4_000_000)).catch(() => undefined);
      expect(await refusal(join(disk, "other.sqlite"))).toMatch(/is full/);
    } finally {
      unmount();
    }
  });
});
