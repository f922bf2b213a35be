// npm run import: the loading itself on a real archive, and the command as a process.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import type { ExportEntry } from "../../src/importing/export-entry.ts";
import { importEntries } from "../../src/importing/importing.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, snowflakeAt } from "../../src/snowflake.ts";
import { openTestArchive, recordingLogger, type TestArchive, testMessage } from "../support/archive.ts";

const GUILD = "1343693475581890600";
const ALL = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };

describe("loading an export", () => {
  let opened: TestArchive;
  beforeEach(async () => {
    opened = await openTestArchive();
  });
  afterEach(() => opened.close());

  const channel = { id: "100", name: "general", type: "text", accessChannelId: "100" } as const;
  const thread = {
    id: "101",
    name: "A question",
    type: "public-thread",
    parentId: "100",
    accessChannelId: "100",
  } as const;
  async function* entries(count: number, breaksOff = false): AsyncIterable<ExportEntry> {
    for (let n = 1; n <= count; n += 1) {
      if (n % 100 === 0) yield { line: n, problem: "not JSON" };
      else if (n % 100 === 50) yield { line: n, leftOut: "GuildMemberJoin" };
      else
        yield {
          line: n,
          record: testMessage(n, { channelId: "101", accessChannelId: "100" }),
          channel: thread,
          parent: channel,
        };
    }
    if (breaksOff) throw new Error("the file ends here");
  }

  test("stores every usable message with its channels, unmarked, and a second time changes nothing", async () => {
    const { archive } = opened;
    const problems: number[] = [];
    const onProblem = (line: number) => problems.push(line);
    const soFar: number[] = [];
    const onSaved = ({ created }: { created: number }) => soFar.push(created);
    const counts = { changed: 0, skipped: 50, leftOut: 50 };
    expect(await importEntries(archive, GUILD, entries(5000), { onProblem, onSaved })).toEqual({
      ...counts,
      created: 4900,
      same: 0,
    });
    expect(problems.slice(0, 2)).toEqual([100, 200]);
    expect(soFar).toEqual([2000, 4000, 4900]);
    expect(await archive.channels(GUILD)).toEqual([channel, thread]);
    expect(await archive.pending(GUILD, 10)).toEqual([]);
    expect(await importEntries(archive, GUILD, entries(5000))).toEqual({ ...counts, created: 0, same: 4900 });
  });

  test("keeps what the archive already knows of a channel", async () => {
    const { archive } = opened;
    await archive.saveChannels(GUILD, [{ ...channel, type: "forum" }]);
    await importEntries(archive, GUILD, entries(3));
    expect(await archive.channels(GUILD)).toEqual([{ ...channel, type: "forum" }, thread]);
  });

  test("keeps what came before the file broke off", async () => {
    await expect(importEntries(opened.archive, GUILD, entries(300, true))).rejects.toThrow("the file ends here");
    expect((await opened.archive.page(GUILD, "message", ALL, 1000)).records.length).toBe(294);
  });
});

describe("the command", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "backscroll-import-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function run(...args: string[]): Promise<{ code: number | null; output: string }> {
    const script = fileURLToPath(new URL("../../src/cli/import.ts", import.meta.url));
    const child = spawn(process.execPath, [script, ...args], {
      env: { DATA_DIR: join(folder, "data") },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("error", reject).once("close", resolve),
    );
    return { code, output };
  }
  const written = async (content: string) => {
    const file = join(folder, "history.jsonl");
    await writeFile(file, content);
    return file;
  };
  const line = (n: number) =>
    JSON.stringify({
      id: snowflakeAt(Date.UTC(2025, 1, 1) + n * 1000),
      channel: "general",
      author: "Ada",
      timestamp: new Date(Date.UTC(2025, 1, 1) + n * 1000).toISOString(),
      content: `message ${n}`,
    });

  test("loads a file for the server named, tells the bad lines up to a limit, and sums up", async () => {
    const file = await written([...Array.from({ length: 30 }, () => "{bad"), ...[1, 2, 3].map(line)].join("\n"));
    const { code, output } = await run(file, "--guild", GUILD);
    expect(output).toMatch(/3 messages: 3 new, 0 changed, 0 the same; 30 lines skipped/);
    expect(output.match(/line \d+ skipped: not JSON/g)?.length).toBe(20);
    expect(output).toMatch(/further lines are only counted/);
    expect(code).toBe(0);
    const { archive, close } = await openArchive({
      location: join(folder, "data", "archive.sqlite"),
      logger: recordingLogger().logger,
    });
    try {
      expect(await archive.guilds()).toEqual([GUILD]);
      expect((await archive.page(GUILD, "message", ALL, 10)).records.length).toBe(3);
    } finally {
      await close();
    }
  });

  const exported = (channel: object, messages: readonly (readonly [string, string])[], type = "Default") =>
    JSON.stringify({
      guild: { id: GUILD, name: "Mesh" },
      channel,
      messages: messages.map(([id, content]) => ({ id, type, content, author: { id: "300", name: "ada" } })),
    });

  test("loads a folder of exports, threads under their channels whatever their files are called, and sums up each and all", async () => {
    const [origin, answer] = [snowflakeAt(Date.UTC(2025, 1, 1)), snowflakeAt(Date.UTC(2025, 1, 2))];
    const exports = join(folder, "exports");
    await mkdir(join(exports, "threads"), { recursive: true });
    // An older exporter does not tell the channel above.
    const thread = exported({ id: origin, type: "GuildPublicThread", name: "Wobble" }, [[answer, "which wheel"]]);
    await writeFile(join(exports, "a-thread.json"), thread);
    const other = { id: "901", type: "GuildNewsThread", name: "Release", categoryId: "900", category: "news" };
    await writeFile(
      join(exports, "threads", "b.json"),
      exported(other, [[snowflakeAt(Date.UTC(2025, 1, 3)), "it is out"]]),
    );
    const channel = { id: "100", type: "GuildTextChat", name: "bikes" };
    await writeFile(join(exports, "z-channel.json.gz"), gzipSync(exported(channel, [[origin, "my wheel wobbles"]])));
    await writeFile(
      join(exports, "z-news.json"),
      exported({ id: "900", type: "GuildNews", name: "news" }, [[snowflakeAt(Date.UTC(2025, 1, 4)), "hi"]]),
    );
    await writeFile(join(exports, "package.json"), "[]");
    await writeFile(join(exports, "picture.png"), "x");
    const { code, output } = await run(exports);
    expect(output).toMatch(/Left out: .*package\.json is neither/);
    expect(output.match(/^1 message: 1 new/gm)).toHaveLength(4);
    expect(output).toMatch(/4 files in all: 4 messages: 4 new/);
    expect(code).toBe(0);
    const { archive, close } = await openArchive({
      location: join(folder, "data", "archive.sqlite"),
      logger: recordingLogger().logger,
    });
    try {
      expect(await archive.channel(GUILD, origin)).toMatchObject({ parentId: "100", accessChannelId: "100" });
      expect((await archive.get(GUILD, "message", [answer])).get(answer)?.record).toMatchObject({
        channelId: origin,
        accessChannelId: "100",
      });
      expect(await archive.channel(GUILD, "900")).toMatchObject({ type: "announcement" });
    } finally {
      await close();
    }
  });

  test("says which message could not be used, and with nothing usable has exit code 1", async () => {
    const file = join(folder, "export.json");
    await writeFile(file, exported({ id: "100", type: "GuildTextChat", name: "bikes" }, [["abc", "hi"]]));
    const bad = await run(file);
    expect(bad.output).toMatch(/message 1 skipped: id: not an id/);
    expect(bad.output).toMatch(/1 message skipped/);
    expect(bad.output).toMatch(/Nothing in it could be used/);
    expect(bad.code).toBe(1);
    await writeFile(
      file,
      exported({ id: "100", type: "GuildTextChat", name: "bikes" }, [[snowflakeAt(Date.UTC(2025, 1, 1)), ""]], "24"),
    );
    const notices = await run(file);
    expect(notices.output).toMatch(/1 notice of Discord left out/);
    expect(notices.code).toBe(1);
  });

  test("a wrong call gets one clear message and exit code 2", async () => {
    const file = await written(line(1));
    const calls: [string[], RegExp][] = [
      [[file, "--gild", "5"], /^Unknown option '--gild'/],
      [[file, "--guild", "general"], /^--guild takes a server's id/],
      [[join(folder, "none.json")], /^There is no file .*none\.json/],
      [[await writeFile(join(folder, "empty"), "").then(() => join(folder, "empty"))], /is empty/],
    ];
    const results = await Promise.all(calls.map(([args]) => run(...args)));
    for (const [place, [, message]] of calls.entries()) {
      expect(results[place]?.output).toMatch(message);
      expect(results[place]?.output).not.toMatch(/\n {4}at /);
      expect(results[place]?.code).toBe(2);
    }
  });

  test("an archive that cannot be opened, or a file that breaks off, gets a clear message and exit code 1", async () => {
    await writeFile(join(folder, "data"), "in the way");
    const blocked = await run(await written(line(1)));
    expect(blocked.output).toMatch(/cannot be opened for writing/);
    expect(blocked.code).toBe(1);
    await rm(join(folder, "data"));
    const torn = await run(
      await written(
        '{"guild": {"id": "5", "name": "n"}, "channel": {"id": "6", "type": "GuildTextChat", "name": "c"}, "messages": [',
      ),
    );
    expect(torn.output).toMatch(/ends in the middle/);
    expect(torn.code).toBe(1);
  });

  test("the beginning of a real server's history is loaded completely", async ({ skip }) => {
    const real = fileURLToPath(new URL("../../shared/data/chat.meshcore-discord.jsonl.gz", import.meta.url));
    if (!existsSync(real)) skip("the chat is not here");
    const lines = gunzipSync(await readFile(real))
      .toString()
      .split("\n")
      .slice(0, 4000);
    const { code, output } = await run(await written(lines.join("\n")));
    expect(output).toMatch(/4,000 messages: 4,000 new, 0 changed, 0 the same; 0 lines skipped/);
    expect(code).toBe(0);
  });
});
