// An installation that version 0.1.0 left: its index was made by a model, texts and columns that are gone, and nothing tells of it but a
// table's name.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createBuiltinEmbedder } from "../../src/adapters/builtin-model/index.ts";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import { ADMIN_CHANNEL, EVERYTHING, GUILD, openSetup, type Setup } from "../support/engine.ts";
import { searchOf } from "../support/models.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/installation-0.1.0.tar.gz", import.meta.url));
const MODEL = fileURLToPath(new URL("../../models/backscroll-static", import.meta.url));
/** The model is 39 MB. */
const LONG_MS = 120_000;
const OLD_TABLE = "backscroll-static-256-9f554305-343ee8a1";

let folder: string;
let embedder: Embedder;
let setup: Setup;

beforeAll(async () => {
  embedder = await createBuiltinEmbedder({ model: await loadStaticModel(MODEL), workers: 1 });
}, LONG_MS);
afterAll(() => embedder.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-upgrade-"));
  await promisify(execFile)("tar", ["-xzf", FIXTURE, "-C", folder]);
  setup = await openSetup({ folder: join(folder, "data"), embedder });
}, LONG_MS);
afterEach(async () => {
  await setup.close();
  await rm(folder, { recursive: true, force: true });
});

const generations = async () =>
  (await setup.indexes.generations(GUILD)).list.map(({ fingerprint, status, embedder: { kind } }) => ({
    isOld: fingerprint === OLD_TABLE,
    status,
    kind,
  }));

async function find(text: string, viewerId?: string): Promise<string[]> {
  const filter = { accessChannelIds: ["10", "11", "12"], ...(viewerId !== undefined && { viewerId }) };
  const { hits } = await searchOf(setup).search({ guildId: GUILD, text, filter, limit: 100, offset: 0 });
  return hits.map(({ row }) => row.id);
}

async function archived() {
  const messages = await setup.archive.page(GUILD, "message", EVERYTHING, 1_000);
  return messages.records.map(({ record }) => record);
}

test(
  "an installation of 0.1.0 keeps answering, asks once, and ends with one index of its own accord or on the button",
  async () => {
    const records = await archived();
    expect(records.length).toBeGreaterThan(55);
    expect(await generations()).toEqual([
      { isOld: false, status: "building", kind: "built-in" },
      { isOld: true, status: "current", kind: "unknown" },
    ]);
    // By words, all of it, and nothing that had been edited or deleted.
    for (const record of records) expect((await find(record.content)).slice(0, 3)).toContain(record.id);
    expect(await find("kiln thursday")).toContain(records.find(({ content }) => content.includes("kiln"))?.id);

    await setup.considered();
    const asked = setup.posts.filter(({ kind }) => kind === "generation-change");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ analysis: { missing: records.length + 3 }, change: { isSameModel: false } });
    expect((await setup.archive.settings(GUILD)).adminChannelId).toBe(ADMIN_CHANNEL);

    await setup.start();
    expect((await setup.settled()).status).toBe("succeeded");
    expect(await generations()).toEqual([
      { isOld: false, status: "current", kind: "built-in" },
      { isOld: true, status: "retired", kind: "unknown" },
    ]);
    for (const record of records) expect((await find(record.content)).slice(0, 3)).toContain(record.id);
    expect((await setup.engine.verify(GUILD)).missing).toBe(0);
    expect(await readdir(join(setup.folder, "index"))).toHaveLength(2);
    await setup.pass(7 * 24 * 3_600_000 + 3_700_000, 3_600_000);
    await expect.poll(() => readdir(join(setup.folder, "index"))).toHaveLength(1);
  },
  LONG_MS,
);

test(
  "the old index shows private notes to their owner alone, and what is deleted after the upgrade to nobody",
  async () => {
    const notes = await setup.archive.page(GUILD, "note", EVERYTHING, 10);
    const [note] = notes.records;
    const [message] = await archived();
    if (note === undefined || message === undefined) throw new Error("the fixture lacks them");
    expect(await find(note.record.content, "21")).toContain(note.record.id);
    expect(await find(note.record.content, "22")).not.toContain(note.record.id);
    await setup.live.messagesDeleted(GUILD, [message.id]);
    await setup.live.idle();
    expect(await find(message.content)).not.toContain(message.id);
  },
  LONG_MS,
);
