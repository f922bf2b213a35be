// Moving an installation to remote engines and back: killed in the middle, taken up again, compared, the old one untouched.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKv } from "@deno/kv";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyArchive } from "../../src/adapters/denokv/copy.ts";
import { openStores } from "../../src/app/stores.ts";
import type { Logger } from "../../src/ports/logger.ts";
import { GUILD, history, openSetup, until } from "../support/engine.ts";
import { describeEngines } from "./present.ts";
import { type RemoteEngines, startRemoteEngines } from "./remote.ts";

const MOVE = join(import.meta.dirname, "../../src/cli/move.ts");
const RECORDS = 1_500;
const PROCESS_MS = 90_000;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

describeEngines("moving", () => {
  let engines: RemoteEngines;
  let folder: string;
  beforeEach(async () => {
    engines = await startRemoteEngines();
    folder = await mkdtemp(join(tmpdir(), "backscroll-move-"));
  });
  afterEach(async () => {
    await engines.close();
    await rm(folder, { recursive: true, force: true });
  });

  const settings = () => ({
    KV_ACCESS_TOKEN: engines.archive.accessToken,
    INDEX_S3_ENDPOINT: engines.index.endpoint ?? "",
    INDEX_S3_ACCESS_KEY: engines.index.accessKey,
    INDEX_S3_SECRET_KEY: engines.index.secretKey,
  });
  const toRemote = () => ["--to-kv", engines.archive.url, "--to-index", engines.index.uri];

  function run(args: readonly string[], env: Record<string, string>) {
    const child = spawn(process.execPath, [MOVE, ...args], {
      cwd: folder,
      env,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
    return { child, ended };
  }

  /** A run that has succeeded. */
  async function installation(): Promise<{ dataDir: string; rows: Map<string, object> }> {
    const dataDir = join(folder, "data");
    const setup = await openSetup({ folder: dataDir });
    await setup.archive.save(GUILD, history(RECORDS), { pending: false });
    await setup.start({ pace: "full" });
    await setup.settled();
    const rows = await setup.rows();
    await setup.stop();
    await setup.server?.close();
    return { dataDir, rows };
  }

  test(
    "to remote engines and back keeps every entry and every row, and leaves the old one as it was",
    async () => {
      const { dataDir, rows } = await installation();
      const before = join(folder, "before");
      await cp(dataDir, before, { recursive: true });
      // A bot that was only tried with the new settings is not in the way.
      await (await openStores(engines.stores(join(folder, "tried")), silent)).close();

      const there = await run(toRemote(), { ...settings(), DATA_DIR: dataDir }).ended;
      expect(there.output).toMatch(/The archive is at .* entries, the same on both sides/);
      expect(there.output).toMatch(/The index is at .* files, .* the same on both sides/);
      const [archive, index] = [join(dataDir, "archive.sqlite"), join(dataDir, "index")];
      expect(there.output).toContain(`then what is at ${archive} and ${index} may go`);
      expect(there.code).toBe(0);
      const one = ["--to-index", `${engines.index.uri}-only`];
      const indexOnly = await run(one, { ...settings(), DATA_DIR: dataDir }).ended;
      expect(indexOnly.output).toContain(`then what is at ${index} may go`);

      const setup = await openSetup({
        stores: engines.stores(join(folder, "elsewhere")),
        folder: join(folder, "elsewhere"),
      });
      expect((await setup.run()).status).toBe("succeeded");
      expect(await setup.rows()).toEqual(rows);
      await setup.stop();
      await setup.server?.close();

      const back = join(folder, "back");
      const { url } = engines.archive;
      const home = await run(["--to-dir", back], { ...settings(), KV_URL: url, INDEX_URI: engines.index.uri }).ended;
      expect(home.output).toContain("the same on both sides");
      expect(home.code).toBe(0);
      const again = await openSetup({ folder: back });
      expect(await again.rows()).toEqual(rows);
      await again.stop();
      await again.server?.close();

      // Copying the old one and its copy from before once more gives the same: it has not changed.
      const hashOf = async (dir: string, name: string) => {
        const copy = { location: join(folder, name, "archive.sqlite") };
        const from = { location: join(dir, "archive.sqlite") };
        return (await copyArchive(from, copy, { now: Date.now(), onProgress() {} })).hash;
      };
      expect(await hashOf(dataDir, "check-1")).toBe(await hashOf(before, "check-2"));
    },
    4 * PROCESS_MS,
  );

  test(
    "cut off, it cannot be opened, says why, and goes on when it is run again",
    async () => {
      const { dataDir, rows } = await installation();
      const env = { ...settings(), DATA_DIR: dataDir };
      const { child, ended } = run(toRemote(), env);
      const kv = await openKv(engines.archive.url, { accessToken: engines.archive.accessToken });
      await until(async () => (await kv.get(["format"])).versionstamp !== null, "it has begun", PROCESS_MS);
      child.kill("SIGKILL");
      kv.close();
      await ended;
      await expect(openStores(engines.stores(folder), silent)).rejects.toThrow(
        /unfinished copy of .*npm run move again/s,
      );
      const again = await run(toRemote(), env).ended;
      expect(again.output).toContain("the same on both sides");
      const setup = await openSetup({ stores: engines.stores(join(folder, "elsewhere")) });
      expect(await setup.rows()).toEqual(rows);
      await setup.close();
    },
    4 * PROCESS_MS,
  );

  test(
    "it takes nothing over: not from a bot at work, and not to where something is",
    async () => {
      const { dataDir } = await installation();
      const setup = await openSetup({ folder: dataDir });
      const env = { ...settings(), DATA_DIR: dataDir };
      const busy = await run(toRemote(), env).ended;
      expect(busy).toMatchObject({ code: 1, output: expect.stringContaining("A bot works on this archive. Stop it") });
      await setup.stop();
      await setup.server?.close();
      const other = await openStores(engines.stores(join(folder, "other")), silent);
      await other.archive.saveSettings("1", { adminChannelId: "2" });
      await other.close();
      const taken = await run(toRemote(), env).ended;
      expect(taken).toMatchObject({ code: 1, output: expect.stringContaining("holds something already") });
      expect((await run([], env).ended).code).toBe(2);
    },
    4 * PROCESS_MS,
  );
});
