// Starts a model server for the tests of one file. Where it is not installed, or not made for the machine's processor, they are
// skipped and say why; with REQUIRE_SERVERS=1 they fail.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { getOrMake } from "../../src/maps.ts";
import { isInstalled, type ModelServer, serverFolder } from "./model-servers.ts";

const { REQUIRE_SERVERS } = process.env;
const START_MS = 60_000;
const LOOK_EVERY_MS = 200;
/** It loads its model within it. */
const TRIAL_MS = 3_000;

export function describeServer(server: ModelServer, tests: () => void): void {
  const name = `${server.name} ${server.version}`;
  const isHere = isInstalled(server);
  if (isHere && canRun(server)) {
    describe(name, tests);
    return;
  }
  const missing = `not in ${serverFolder(server)}; \`npm run test:servers\` installs it where Python and its packages can be had`;
  const why = isHere ? "not made for this machine's processor" : missing;
  if (REQUIRE_SERVERS === "1") test(name, () => expect.fail(why));
  else {
    console.log(`Skipped: ${name}: ${why}`);
    describe.skip(name, tests);
  }
}

const runnable = new Map<ModelServer, boolean>();

/** Some are built for one kind of processor, and end at the first instruction that another does not know. */
function canRun(server: ModelServer): boolean {
  return getOrMake(runnable, server, () => {
    const { program, args, env } = commandOf(server, 0);
    return spawnSync(program, args, { env, stdio: "ignore", timeout: TRIAL_MS }).signal !== "SIGILL";
  });
}

function commandOf(server: ModelServer, port: number) {
  const folder = serverFolder(server);
  const [program, ...args] = server.command(folder, port);
  return { program, args, env: { ...process.env, PYTHONPATH: folder } };
}

export interface StartedServer {
  /** Ends in /v1. */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws Error with what it printed, when it does not answer in time */
export async function startModelServer(server: ModelServer): Promise<StartedServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/v1`;
  const { program, args, env } = commandOf(server, port);
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      printed += String(chunk);
    });
  }
  const exited = once(child, "exit");
  const close = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  const deadline = performance.now() + START_MS;
  while (!(await answers(`${url}/models`))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await close();
      throw new Error(`${server.name} does not start: ${printed}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return { url, close };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    // It does not listen yet.
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port could be had");
  return address.port;
}
