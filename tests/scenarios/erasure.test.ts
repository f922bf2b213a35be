// Nothing of a message outlives its deletion by more than the time that is set: every file of the data folder is looked through.

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { textRecipe } from "../../src/indexing/text/prepare.ts";
import { channel, GUILD, hoursAgo, message, openSetup, type Setup, until } from "../support/engine.ts";
import { filesWith } from "../support/files-with.ts";

/** In hours: the old versions of the index are told by the machine's own clock, which no test moves on. */
const SHORT = 0.2 / 3_600;
const id = (n: number) => hoursAgo(0, n * 1_000);

let setup: Setup;
afterEach(() => setup.close());

async function hear(n: number, content: string, given: Parameters<typeof message>[2] = {}) {
  await setup.live.messageSaved(GUILD, message(id(n), content, given), channel("10"));
}

/** As the bot does in a loop, until everything is done. */
async function erase(): Promise<void> {
  await until(
    async () => {
      setup.clock.skip(1_000);
      await setup.erasure.look();
      return (await setup.opened.erasureStore.deletions()).length === 0;
    },
    "it is erased",
    60_000,
  );
}

test("a deleted message is in no file of the data folder any more: not in old versions, indexes of words, free pages or logs", async () => {
  setup = await openSetup({ keepDeletedHours: SHORT });
  await hear(1, "good morning everybody");
  await hear(2, "the xylophonist knows zanzibarine");
  await hear(3, "so he says");
  for (let n = 4; n < 40; n += 1) await hear(n, `sentence number ${n}`);
  await setup.live.idle();
  const { index } = await setup.indexes.open(GUILD);
  await index.optimize({ keepVersionsMs: 3_600_000 });
  await index.tag("before-run-1");
  const before = await filesWith(setup.folder, "zanzibarin");
  expect(before.some((path) => path.startsWith("archive.sqlite"))).toBe(true);
  expect(before.some((path) => path.startsWith("index"))).toBe(true);

  await setup.live.messagesDeleted(GUILD, [id(2)]);
  await setup.live.idle();
  const rows = await setup.rows();
  await erase();
  expect(await filesWith(setup.folder, "zanzibarin")).toEqual([]);
  expect(await filesWith(setup.folder, "xylophonist")).toEqual([]);
  expect(await setup.rows()).toEqual(rows);
  expect(await setup.matching("morning")).toContain(id(1));
  await hear(50, "and life goes on");
  // The lease has run out in the time that was skipped.
  await until(async () => (await setup.matching("life")).length > 0, "the next one is found");
}, 60_000);

test("a deleted message that nobody answered is gone from the file that it shares with others, which stay as they are", async () => {
  setup = await openSetup({ keepDeletedHours: SHORT });
  for (let n = 4; n < 60; n += 1) await hear(n, `sentence number ${n}`);
  await setup.live.messageSaved(GUILD, message(id(60), "a zanzibarine", { channelId: "11" }), channel("11"));
  await setup.live.idle();
  const { index } = await setup.indexes.open(GUILD);
  await index.optimize({ keepVersionsMs: 0 });
  expect((await index.stats()).fragments).toBe(1);
  expect((await filesWith(setup.folder, "zanzibarin")).some((path) => path.includes("/data/"))).toBe(true);
  await setup.live.messagesDeleted(GUILD, [id(60)]);
  await setup.live.idle();
  const rows = await setup.rows();
  await erase();
  expect(await filesWith(setup.folder, "zanzibarin")).toEqual([]);
  expect(await setup.rows()).toEqual(rows);
}, 60_000);

test("the former words of an edited message go likewise, of a former generation too, and what a killed write has left", async () => {
  setup = await openSetup({ keepDeletedHours: SHORT });
  await hear(1, "the zanzibarine was a slip");
  await hear(2, "I see");
  await setup.live.idle();
  await setup.stop();
  const { folder, server } = setup;
  setup = await openSetup({
    folder,
    ...(server && { server }),
    keepDeletedHours: SHORT,
    textRecipe: { ...textRecipe, replies: false },
  });
  await setup.start();
  await setup.settled();
  expect((await setup.indexes.generations(GUILD)).list.map(({ status }) => status)).toEqual(["current", "retired"]);
  expect((await filesWith(folder, "zanzibarin")).length).toBeGreaterThan(2);
  const [table = ""] = (await readdir(join(folder, "index"))).filter((name) => name.startsWith(`g${GUILD}`));
  await writeFile(join(folder, "index", table, "data", "f00d.lance"), "zanzibarine");

  await hear(1, "that was a slip", { editedAt: Date.now() });
  await setup.live.idle();
  await erase();
  expect(await filesWith(folder, "zanzibarin")).toEqual([]);
  expect(await setup.matching("slip")).toContain(id(1));
  await setup.stop();
  await server?.close();
}, 60_000);

test("what a server said about a record goes with the record, and about a batch after half the time", async () => {
  setup = await openSetup({ keepDeletedHours: SHORT });
  await hear(1, "hello");
  await hear(2, "goodbye");
  const refused = (n: number, contentHash: string) => ({
    kind: "message" as const,
    id: id(n),
    contentHash,
    reason: `cannot read zanzibar${n}`,
    attempts: 3,
    at: Date.now(),
  });
  const [kept] = [...(await setup.archive.get(GUILD, "message", [id(1)])).values()];
  await setup.opened.quarantine.add(GUILD, [
    refused(1, kept?.contentHash ?? ""),
    refused(2, "other"),
    refused(3, "gone"),
  ]);
  await setup.live.messagesDeleted(GUILD, [id(9), id(2)]);
  await setup.live.idle();
  await erase();
  expect(await filesWith(setup.folder, "zanzibar2")).toEqual([]);
  expect(await filesWith(setup.folder, "zanzibar3")).toEqual([]);
  expect(await filesWith(setup.folder, "zanzibar1")).not.toEqual([]);
}, 60_000);

test("nothing is rewritten where nothing was deleted, and not again before its time", async () => {
  setup = await openSetup({ keepDeletedHours: 24 });
  await hear(1, "one");
  await hear(2, "two");
  await setup.live.idle();
  await setup.erasure.look();
  const { index } = await setup.indexes.open(GUILD);
  const versions = async () => (await index.stats()).versions;
  const before = await versions();
  setup.clock.skip(3_600_000);
  await setup.erasure.look();
  expect(await versions()).toBe(before);
  expect(setup.log.some(({ event }) => event === "guild:erased")).toBe(false);
}, 60_000);
