// Copying an archive from one place to another: cut off, damaged, changed meanwhile. What is opened afterwards is all of it, or nothing.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Kv, type KvKey, openKv } from "@deno/kv";
import { beforeEach, describe, expect, test } from "vitest";
import { decodeV8, encodeV8 } from "../../../src/adapters/denokv/codec.ts";
import { type CopyOptions, copyArchive } from "../../../src/adapters/denokv/copy.ts";
import { formatKey } from "../../../src/adapters/denokv/keys.ts";
import { type OpenArchive, openArchive } from "../../../src/adapters/denokv/open.ts";
import { UserError } from "../../../src/errors.ts";
import { recordingLogger, testId, testMessage, testNote } from "../../support/archive.ts";
import { temporaryFolder } from "../../support/backscroll.ts";
import { EVERYTHING } from "../../support/engine.ts";

const GUILD = "1343693475581890600";
const NOW = Date.UTC(2026, 10, 30);
const quiet: CopyOptions = { now: NOW, onProgress() {} };

let from: string;
let to: string;
beforeEach(async () => {
  const folder = await temporaryFolder();
  [from, to] = [join(folder, "here", "archive.sqlite"), join(folder, "there", "archive.sqlite")];
});

async function using<Result>(location: string, use: (opened: OpenArchive) => Promise<Result>): Promise<Result> {
  const opened = await openArchive({ location, logger: recordingLogger().logger });
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** Three entries a message. */
const fill = (messages = 350) =>
  using(from, async ({ archive }) => {
    const records = Array.from({ length: messages }, (_, n) => testMessage(n));
    await archive.save(GUILD, [...records, testNote(messages)], { pending: true });
    await archive.saveSettings(GUILD, { adminChannelId: "5" });
    await archive.exclude(GUILD, { by: "author", id: "66" });
  });

const contentOf = (location: string) =>
  using(location, async ({ archive }) => ({
    messages: (await archive.page(GUILD, "message", EVERYTHING, 10_000)).records,
    notes: (await archive.page(GUILD, "note", EVERYTHING, 10)).records,
    inChannel: await archive.idsInChannel(GUILD, "100", EVERYTHING),
    marks: (await archive.pending(GUILD, 10_000)).map(({ id }) => id),
    settings: await archive.settings(GUILD),
    exclusions: await archive.exclusions(GUILD),
    removals: await archive.unfinishedRemovals(GUILD),
  }));

const copy = (options = quiet) => copyArchive({ location: from }, { location: to }, options);

/** The first attempt, which ends after a thousand entries. */
async function cutOff(): Promise<void> {
  const onProgress = () => {
    throw new Error("killed");
  };
  await expect(copy({ ...quiet, onProgress })).rejects.toThrow("killed");
}

/** Changes a file past the library, at once. */
function changeFile(location: string, sql: string): void {
  const file = new DatabaseSync(location);
  file.exec(sql);
  file.close();
}

test("everything is there, and the same", async () => {
  await fill(20);
  const before = await contentOf(from);
  const steps: string[] = [];
  const { entries } = await copy({ ...quiet, onProgress: (...told) => void steps.push(told.join(" ")) });
  expect(await contentOf(to)).toEqual(before);
  expect(entries).toBeGreaterThan(60);
  expect(steps).toEqual([`copied ${entries}`]);
});

test("who owned what, and who was there, stays behind", async () => {
  await using(from, async ({ owners }) => {
    const heartbeat = await owners.start("somebody", NOW - 60_000, 15_000);
    await owners.take(heartbeat, [GUILD], NOW - 60_000);
    expect(await owners.ownerOf(GUILD)).toBeDefined();
  });
  await copy();
  expect(await using(to, ({ owners }) => owners.ownerOf(GUILD))).toBeUndefined();
});

describe("cut off", () => {
  test("it cannot be opened, and says what to do; the next attempt makes it whole", async () => {
    await fill();
    await cutOff();
    await expect(using(to, async () => {})).rejects.toThrow(/unfinished copy of .*npm run move again/);
    await copy();
    await using(to, async () => {});
  });

  test("the next attempt also brings what has been edited since, and takes away what is gone since", async () => {
    await fill();
    await cutOff();
    await using(from, async ({ archive }) => {
      await archive.save(GUILD, [testMessage(3, { content: "edited" })], { pending: true });
      await archive.remove(GUILD, "message", [testId(0), testId(7), testId(349)]);
      await archive.clearPending(GUILD, await archive.pending(GUILD, 10_000));
      await archive.save(GUILD, [testMessage(700)], { pending: false });
    });
    await copy();
    const { messages, marks } = await contentOf(to);
    expect(messages.find(({ record }) => record.id === testId(3))?.record.content).toBe("edited");
    expect([messages.length, marks]).toEqual([348, []]);
  });

  test("it is not gone on with from another archive, nor taken for one to be copied", async () => {
    await fill();
    await cutOff();
    const other = join(await temporaryFolder(), "archive.sqlite");
    await using(other, ({ archive }) => archive.saveSettings(GUILD, { adminChannelId: "1" }));
    await expect(copyArchive({ location: other }, { location: to }, quiet)).rejects.toThrow(/holds something already/);
    await expect(copyArchive({ location: to }, { location: other }, quiet)).rejects.toThrow(/There is no archive at/);
  });
});

describe("it is not begun", () => {
  test("where a bot is at work on either side", async () => {
    await fill(1);
    const start = (location: string) => using(location, ({ owners }) => owners.start("a bot", NOW, 15_000));
    await start(to);
    await expect(copy()).rejects.toThrow(/A bot works on this archive. Stop it/);
    // Its heartbeat has run out.
    await copy({ ...quiet, now: NOW + 15_001 });
    await start(from);
    const elsewhere = join(await temporaryFolder(), "archive.sqlite");
    await expect(copyArchive({ location: from }, { location: elsewhere }, quiet)).rejects.toThrow(UserError);
  });

  test("where something is already, or nothing to be copied", async () => {
    await fill(1);
    await using(to, ({ archive }) => archive.saveSettings(GUILD, { adminChannelId: "1" }));
    await expect(copy()).rejects.toThrow(/holds something already. Name an empty one. Nothing was changed/);
    expect((await contentOf(to)).settings).toEqual({ adminChannelId: "1" });
    const nothing = join(await temporaryFolder(), "archive.sqlite");
    const elsewhere = join(await temporaryFolder(), "archive.sqlite");
    const copying = copyArchive({ location: nothing }, { location: elsewhere }, quiet);
    await expect(copying).rejects.toThrow(/There is no archive at/);
  });

  test("but where a bot was only tried, it is", async () => {
    await fill(1);
    await using(to, async () => {});
    await copy();
    expect((await contentOf(to)).messages).toHaveLength(1);
  });
});

describe("an archive that changes while it is copied", () => {
  test.each([
    ["loses an entry", "DELETE FROM kv WHERE k = (SELECT max(k) FROM kv)"],
    [
      "has another value",
      "UPDATE kv SET v = (SELECT v FROM kv WHERE length(v) > 40 LIMIT 1) WHERE k = (SELECT max(k) FROM kv)",
    ],
  ])("and %s is noticed, and can be gone on with", async (_, sql) => {
    await fill(10);
    let isChanged = false;
    const onProgress = (step: string) => {
      if (step !== "copied" || isChanged) return;
      isChanged = true;
      changeFile(from, sql);
    };
    await expect(copy({ ...quiet, onProgress })).rejects.toThrow(/changed while it was copied/);
    await expect(using(to, async () => {})).rejects.toThrow(/unfinished copy/);
    const { entries } = await copy();
    expect(entries).toBeGreaterThan(20);
  });
});

test("keys of every kind, in whatever state the copy is", async () => {
  await fill(1);
  const bytes = (...given: number[]) => Uint8Array.from(given);
  const parts = [bytes(), bytes(0), bytes(255), "", "a", "\u{ffff}", "😀", 1n, -7n, 2n ** 70n, 1.5, -1.5, true, false];
  const keys: KvKey[] = parts.flatMap((part): KvKey[] => [
    ["x", part],
    ["x", part, ""],
    ["x", part, 5n],
  ]);
  const edit = async (location: string, change: (kv: Kv) => Promise<unknown>) => {
    const kv = await openKv(location, { encodeV8, decodeV8 });
    await change(kv);
    kv.close();
  };
  await edit(from, async (kv) => {
    for (const [n, key] of keys.entries()) await kv.set(key, n % 3 === 0 ? bytes(n) : { n });
  });
  const { hash } = await copy();
  for (let round = 0; round < 2; round += 1) {
    await edit(to, async (kv) => {
      await kv.set(formatKey, { copyOf: from });
      for (const [n, key] of keys.entries()) {
        const what = (n * 7 + round * 5) % 6;
        if (what === 0) await kv.delete(key);
        if (what === 1) await kv.set(key, "other");
        if (what === 2) await kv.set([...key, "more"], "too much");
      }
    });
    expect((await copy()).hash).toBe(hash);
  }
});
