// Installs the model servers that the tests run against, each into a folder of its own outside the project, if Python is there.
// What is there already is left alone; what cannot be had is told, and is no failure: the tests are skipped then.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { isInstalled, markOf, modelServers, serverFolder } from "./model-servers.ts";

/** It may not hold up a build. */
const LONGEST_MS = 120_000;

function run(folder: string, args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync("python3", args, {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: folder },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: LONGEST_MS,
    killSignal: "SIGKILL",
  });
  if (status === 0) return undefined;
  return error?.message ?? (String(stderr).trim().split("\n").at(-1) || `python3 ended with ${status}`);
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
  const alone = server.isAlone ? ["--no-deps"] : [];
  const problem =
    run(folder, ["-m", "pip", "install", ...careful, ...alone, "--target", folder, ...server.packages]) ??
    (server.prepare && run(folder, server.prepare));
  if (problem === undefined) {
    writeFileSync(markOf(server), "");
    console.log(`${what} was installed in ${folder}`);
  } else {
    rmSync(folder, { recursive: true, force: true });
    console.log(`${what} could not be installed: ${problem}`);
  }
}
