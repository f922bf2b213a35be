// Installs the model servers that the tests run against, each into a folder of its own outside the project, if Python is there.
// What is there already is left alone; what cannot be had is told, and is no failure: the tests are skipped then.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { isInstalled, markOf, modelServers, serverFolder } from "./model-servers.ts";

/** It may not hold up a build. */
const LONGEST_MS = 120_000;

function run(command: string, args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: LONGEST_MS,
    killSignal: "SIGKILL",
  });
  if (status === 0) return undefined;
  return error?.message ?? (String(stderr).trim().split("\n").at(-1) || `${command} ended with ${status}`);
}

for (const server of modelServers) {
  const what = `${server.name} ${server.version}`;
  const folder = serverFolder(server);
  if (isInstalled(server)) {
    console.log(`${what} is in ${folder}`);
    continue;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const careful = ["--quiet", "--timeout", "15", "--retries", "1", "--only-binary", ":all:", "--no-compile"];
  const problem = run("python3", ["-m", "pip", "install", ...careful, "--target", folder, ...server.packages]);
  if (problem === undefined) {
    writeFileSync(markOf(server), "");
    console.log(`${what} was installed in ${folder}`);
  } else {
    rmSync(folder, { recursive: true, force: true });
    console.log(`${what} could not be installed: ${problem}`);
  }
}
