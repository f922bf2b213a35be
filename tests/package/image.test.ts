// The image without Docker: the steps of the Dockerfile, one after the other, each stage in a folder of its own, and what comes out of them
// started as the image starts it, on the Node that is here. Needs the registry: npm run test:package.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder, until } from "../support/backscroll.ts";
import { startDiscord } from "../support/discord.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");
const BUILD_MS = 300_000;
const START_MS = 60_000;
const run = promisify(execFile);
const { PATH = "", HOME = "", NPM_CONFIG_GLOBALCONFIG } = process.env;
const machine = { PATH, HOME, ...(NPM_CONFIG_GLOBALCONFIG && { NPM_CONFIG_GLOBALCONFIG }) };

interface Built {
  /** Where the last stage's WORKDIR is. */
  readonly app: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly health: readonly string[];
  /** Instructions that are not carried out here. */
  readonly left: readonly string[];
}

/** Carries out a Dockerfile. @throws Error for a step that fails, or that copies what is not there */
async function build(file: string): Promise<Built> {
  const text = (await readFile(file, "utf8")).replace(/\\\n/g, " ");
  const stages = new Map<string, string>();
  const left: string[] = [];
  let [app, env, entrypoint, health] = ["", {} as Record<string, string>, [] as string[], [] as string[]];
  const exec = (words: string) => JSON.parse(words.slice(words.indexOf("["))) as string[];

  async function copy(words: readonly string[]): Promise<void> {
    const from = words[0]?.startsWith("--from=") ? stages.get(words[0].slice("--from=".length)) : CHECKOUT;
    const [target = "", ...sources] = words.filter((word) => !word.startsWith("--")).reverse();
    for (const source of sources) {
      const found = source.startsWith("/app/")
        ? join(from ?? "", source.slice("/app/".length))
        : join(from ?? "", source);
      const isInto = target.endsWith("/") && !(await stat(found)).isDirectory();
      await cp(found, isInto ? join(app, target, basename(source)) : join(app, target), { recursive: true });
    }
  }

  for (const line of text.split("\n").filter((each) => /^[A-Z]+ /.test(each))) {
    const [instruction = "", ...words] = line.trim().split(/\s+/);
    const rest = line.slice(instruction.length + 1).trim();
    if (instruction === "FROM") {
      app = await temporaryFolder();
      env = {};
      if (words[2] !== undefined) stages.set(words[2], app);
    } else if (instruction === "ENV") {
      for (const [, name = "", value = ""] of rest.matchAll(/(\w+)=(\S+)/g)) env[name] = value;
    } else if (instruction === "COPY") await copy(words);
    else if (instruction === "RUN" && !/\bchown\b/.test(rest)) {
      await run("bash", ["-euc", rest], { cwd: app, env: { ...machine, ...env }, maxBuffer: 2 ** 26 });
    } else if (instruction === "ENTRYPOINT") entrypoint = exec(rest);
    else if (instruction === "HEALTHCHECK") health = exec(rest);
    else left.push(line.trim());
  }
  return { app, env, entrypoint, health, left };
}

test("the Dockerfile's steps make a bot that starts, is healthy and stops in order", {
  timeout: BUILD_MS,
}, async () => {
  const { app, env, entrypoint, health, left } = await build(join(CHECKOUT, "Dockerfile"));
  // Whatever else a step needs of the system is not carried out; a new one is to be thought of.
  expect(left.map((line) => line.split(" ")[0])).toEqual(["WORKDIR", "WORKDIR", "RUN", "USER", "VOLUME", "EXPOSE"]);
  const discord = await startDiscord();
  const data = join(await temporaryFolder(), "data");
  await mkdir(data);
  const settings = { ...machine, ...env, DATA_DIR: data, HEALTH_PORT: "39464" };
  const [command = "", ...args] = entrypoint;
  const bot = spawn(command, args, {
    cwd: app,
    env: { ...settings, DISCORD_API: discord.apiUrl, DISCORD_TOKEN: discord.token, ALERT_DISK_LOW_GB: "0.05" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(bot, "exit");
  let output = "";
  for (const stream of [bot.stdout, bot.stderr]) {
    stream.setEncoding("utf8").on("data", (some: string) => {
      output += some;
    });
  }
  try {
    await until("it is ready", () => output.includes("Backscroll 0.") || bot.exitCode !== null, START_MS);
    expect(output).toContain("is ready, as");
    const [check = "", ...checkArgs] = health;
    await run(check, checkArgs, { cwd: app, env: settings });
  } finally {
    bot.kill("SIGTERM");
  }
  expect((await exited)[0], output).toBe(0);
  expect(output).toContain("Backscroll has stopped.");
});
