// The real engines as child processes that can be killed, stopped, woken and started again, at an address that stays the same.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArchiveServer, IndexBucket, StoresConfig } from "../../src/app/stores-config.ts";
import { binaryOf, denokv, type Engine, versitygw } from "./engines.ts";

const START_MS = 20_000;
const LOOK_EVERY_MS = 20;

export interface EngineProcess {
  /** As if the power had gone. */
  kill(): Promise<void>;
  /** It hangs: connections stay open, nothing is answered. */
  hang(): void;
  wake(): void;
  /** After `kill`, with what it had stored. Resolves when it answers. */
  start(): Promise<void>;
}

export interface RemoteEngines {
  readonly kv: EngineProcess;
  readonly objects: EngineProcess;
  readonly archive: ArchiveServer;
  readonly index: IndexBucket;
  /** Where Backscroll is told of both. @param dataDir default: a folder that goes with the engines */
  stores(dataDir?: string): StoresConfig;
  /** Where the object store keeps its files. */
  readonly objectsFolder: string;
  /** A line for each request that the object store has had so far. */
  readonly requestLog: string;
  /** How many requests the object store has had so far. */
  requests(): Promise<number>;
  /** Ends them and removes what they stored. */
  close(): Promise<void>;
}

const TOKEN = "a token of the tests";
const KEYS = { accessKey: "TESTACCESSKEY", secretKey: "testsecretkeytestsecretkey" };
export const BUCKET = "backscroll";

/** @param seed a data folder to begin with: both engines keep their data in the same form as a local installation */
export async function startRemoteEngines(seed?: string): Promise<RemoteEngines> {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-engines-"));
  await mkdir(join(folder, "objects", BUCKET), { recursive: true });
  if (seed !== undefined) {
    await cp(join(seed, "archive.sqlite"), join(folder, "kv.sqlite"));
    if (existsSync(join(seed, "index"))) {
      await cp(join(seed, "index"), join(folder, "objects", BUCKET, "index"), { recursive: true });
    }
  }
  const requestLog = join(folder, "requests.log");
  const [kvPort, objectsPort] = [await freePort(), await freePort()];
  const kv = engineProcess(
    denokv,
    ["--sqlite-path", join(folder, "kv.sqlite"), "serve", "--addr", `127.0.0.1:${kvPort}`, "--access-token", TOKEN],
    {},
    kvPort,
  );
  const objects = engineProcess(
    versitygw,
    ["--port", `127.0.0.1:${objectsPort}`, "--quiet", "--access-log", requestLog, "posix", join(folder, "objects")],
    { ROOT_ACCESS_KEY: KEYS.accessKey, ROOT_SECRET_KEY: KEYS.secretKey },
    objectsPort,
  );
  await Promise.all([kv.start(), objects.start()]);
  const archive = { url: `http://127.0.0.1:${kvPort}`, accessToken: TOKEN };
  const index = { uri: `s3://${BUCKET}/index`, endpoint: `http://127.0.0.1:${objectsPort}`, ...KEYS };
  return {
    kv,
    objects,
    archive,
    index,
    stores: (dataDir = join(folder, "data")) => ({ dataDir, archive, index }),
    objectsFolder: join(folder, "objects"),
    requestLog,
    requests: () => linesOf(requestLog),
    async close() {
      await Promise.all([kv.kill(), objects.kill()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function linesOf(file: string): Promise<number> {
  return (await readFile(file, "utf8")).split("\n").length;
}

function engineProcess(
  engine: Engine,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  port: number,
): EngineProcess {
  let child: ChildProcess | undefined;

  async function answers(): Promise<boolean> {
    return await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) }).then(
      () => true,
      () => false,
    );
  }

  return {
    async start() {
      if (child !== undefined && child.exitCode === null && child.signalCode === null) return;
      const started = spawn(binaryOf(engine), args, { env: environment, stdio: "ignore" });
      child = started;
      const deadline = performance.now() + START_MS;
      while (!(await answers())) {
        if (started.exitCode !== null || performance.now() > deadline) throw new Error(`${engine.name} does not start`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    },
    async kill() {
      child?.kill("SIGCONT");
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    hang: () => void child?.kill("SIGSTOP"),
    wake: () => void child?.kill("SIGCONT"),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
