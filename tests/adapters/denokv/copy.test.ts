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
const fill = (messages: number) =>
  using(from, async ({ archive }) => {
    const records = Array.from({ length: messages }, (_, n) => testMessage(n));
    await archive.save(GUILD, [...records, testNote(messages)], { pending: true });
    await archive.saveSettings(GUILD, { adminChannelId: "5" });
    await archive.exclude(GUILD, { by: "author", id: "66" });
  });

const contentOf = (location: string) =>
  using(location, async ({ archive, owners }) => ({
    owner: await owners.ownerOf(GUILD),
    messages: (await archive.page(GUILD, "message", EVERYTHING, 10_000)).records,
    notes: (await archive.page(GUILD, "note", EVERYTHING, 10)).records,
    inChannel: await archive.idsInChannel(GUILD, "100", EVERYTHING),
    marks: (await archive.pending(GUILD, 10_000)).map(({ id }) => id),
    settings: await archive.settings(GUILD),
    exclusions: await archive.exclusions(GUILD),
    removals: await archive.unfinishedRemovals(GUILD),
  }));

const copy = (options = quiet) => copyArchive({ location: from }, { location: to }, options);

/** Called after a thousand entries. */
const killed = () => {
  throw new Error("killed");
};

/** Changes a file past the library, at once. */
function changeFile(location: string, sql: string): void {
  const file = new DatabaseSync(location);
  file.exec(sql);
  file.close();
}

test("everything is there, and the same, but for who owned what and who was there", async () => {
  await fill(20);
  const before = await using(from, async ({ owners }) => {
    const heartbeat = await owners.start("somebody", NOW - 60_000, 15_000);
    await owners.take(heartbeat, [GUILD], NOW - 60_000);
    expect(await owners.ownerOf(GUILD)).toBeDefined();
  }).then(() => contentOf(from));
  const steps: string[] = [];
  const { entries } = await copy({ ...quiet, onProgress: (...told) => void steps.push(told.join(" ")) });
  expect(await contentOf(to)).toEqual({ ...before, owner: undefined });
  expect(entries).toBeGreaterThan(60);
  expect(steps).toEqual([`copied ${entries}`]);
});

test("cut off, it cannot be opened; the next attempt also brings what has been edited since, and takes away what is gone", async () => {
  await fill(350);
  await expect(copy({ ...quiet, onProgress: killed })).rejects.toThrow("killed");
  await expect(using(to, async () => {})).rejects.toThrow(/unfinished copy of .*npm run move again/);
  const other = join(await temporaryFolder(), "archive.sqlite");
  await expect(copyArchive({ location: to }, { location: other }, quiet)).rejects.toThrow(/There is no archive at/);
  await using(other, ({ archive }) => archive.saveSettings(GUILD, { adminChannelId: "1" }));
  await expect(copyArchive({ location: other }, { location: to }, quiet)).rejects.toThrow(/holds something already/);
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

test("it is not begun where a bot is at work on either side, nor where something is already", async () => {
  await fill(1);
  const start = (location: string) => using(location, ({ owners }) => owners.start("a bot", NOW, 15_000));
  // A bot was only tried there, and is there still.
  await start(to);
  await expect(copy()).rejects.toThrow(/A bot works on this archive. Stop it/);
  const later = { ...quiet, now: NOW + 15_001 };
  await copy(later);
  await expect(copy(later)).rejects.toThrow(/holds something already. Name an empty one. Nothing was changed/);
  expect((await contentOf(to)).messages).toHaveLength(1);
  await start(from);
  const elsewhere = join(await temporaryFolder(), "archive.sqlite");
  await expect(copyArchive({ location: from }, { location: elsewhere }, quiet)).rejects.toThrow(UserError);
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
