// The package as somebody installs it: packed, installed from the registry's other packages into an empty folder, started there.
// Needs the registry, so it is run apart from the other tests: npm run test:package.

import { type ExecFileException, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { APIMessage } from "discord-api-types/v10";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OptionValues } from "../../sandbox/command-shapes.ts";
import { temporaryFolder, textOf, until } from "../support/backscroll.ts";
import { startDiscord } from "../support/discord.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");
const INSTALL_MS = 300_000;
const START_MS = 60_000;
/** Where tools are found, caches are and npm is configured; none of Backscroll's own settings. */
const { PATH = "", HOME = "", NPM_CONFIG_GLOBALCONFIG } = process.env;
const machine = { PATH, HOME, ...(NPM_CONFIG_GLOBALCONFIG && { NPM_CONFIG_GLOBALCONFIG }) };

describe("the packed package, installed in an empty folder", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "backscroll-package-"));
    await run("npm", ["pack", "--pack-destination", folder], CHECKOUT);
    const [archive = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    await run(
      "npm",
      ["install", "--no-audit", "--no-fund", `./${archive}`, "@types/node@24", "typescript@5.9"],
      folder,
    );
  }, INSTALL_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function run(command: string, args: readonly string[], cwd: string, settings: Record<string, string> = {}) {
    return new Promise<{ code: number; output: string }>((done, fail) => {
      const env = { ...machine, ...settings };
      execFile(command, args, { cwd, env, maxBuffer: 2 ** 26 }, (error: ExecFileException | null, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code !== "number") return fail(error);
        if (code !== 0 && command === "npm") return fail(new Error(`npm ${args[0]}: ${stdout}${stderr}`));
        done({ code, output: stdout + stderr });
      });
    });
  }
  const npx = (args: readonly string[], settings?: Record<string, string>) =>
    run("npx", ["--no-install", "backscroll", ...args], folder, settings);

  test("tells how it is used", { timeout: START_MS }, async () => {
    expect(await npx(["--help"])).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Usage: backscroll {2}.*\n.*backscroll import +FILES/),
    });
    expect(await npx(["import", "--help"])).toMatchObject({
      code: 0,
      output: expect.stringContaining("Usage: backscroll import FILES"),
    });
    expect(await npx(["--hepl"])).toMatchObject({ code: 2, output: expect.stringContaining("Did you mean --help?") });
    expect(await npx(["make-tea"])).toMatchObject({ code: 2, output: expect.stringContaining("no command make-tea") });
  });

  test("without a token it says in one message what is missing", async () => {
    const { code, output } = await npx([], { DATA_DIR: await temporaryFolder() });
    expect(code).toBe(1);
    expect(output).toContain("DISCORD_TOKEN is missing");
  });

  test("imports an export", async () => {
    const file = join(folder, "history.jsonl");
    const line = {
      id: "1235000000000000000",
      channel: "general",
      author: "Ada",
      timestamp: "2024-05-01T10:00:00Z",
      content: "Tea",
    };
    await writeFile(file, `${JSON.stringify(line)}\n`);
    const settings = { DATA_DIR: await temporaryFolder() };
    const { code, output } = await npx(["import", file, "--guild", "123456789012345678"], settings);
    expect(output).toMatch(/1 message: 1 new/);
    expect(code).toBe(0);
  });

  test("starts, embeds with the built-in model, answers a search and stops in order", {
    timeout: INSTALL_MS,
  }, async () => {
    const discord = await startDiscord();
    const { world, admin, ada, general, adminChannel } = discord;
    const content = "The tandem's brakes squeal again";
    const { id } = world.postMessage({ channelId: general.id, authorId: ada.id, content });
    const bot = spawn(join(folder, "node_modules/.bin/backscroll"), {
      cwd: folder,
      env: {
        ...machine,
        DISCORD_API: discord.apiUrl,
        DISCORD_TOKEN: discord.token,
        DATA_DIR: await temporaryFolder(),
        ALERT_DISK_LOW_GB: "0.05",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(bot, "exit");
    let output = "";
    bot.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const type = (userId: string, name: string, subcommand: string | undefined, options: OptionValues) =>
      world.runCommand({ userId, channelId: adminChannel.id, name, ...(subcommand && { subcommand }), options });
    try {
      await until("the bot is ready", () => output.includes("backscroll:ready"), START_MS);
      type(admin.id, "backfill", "start", { source: "discord", "report-to": adminChannel.id });
      const isReport = (message: APIMessage) => textOf(message).includes("Backfill finished");
      await world.waitForMessage(adminChannel.id, isReport, START_MS);
      const asked = type(admin.id, "search", undefined, { query: "noisy bicycle brakes" });
      expect(textOf(await asked.response(START_MS))).toContain(id);
    } catch (thrown) {
      throw new Error(`The bot printed:\n${output}`, { cause: thrown });
    } finally {
      bot.kill("SIGTERM");
    }
    expect((await exited)[0]).toBe(0);
  });

  describe("attached to a bot of one's own", () => {
    /** What a bot does with it, in a module of any kind. */
    const use = `
      const client = new Client({ intents: [GatewayIntentBits.Guilds] });
      const backscroll = await attachBackscroll(client, { dataDir: process.argv[2] ?? "", log: "silent" });
      console.log(JSON.stringify(backscroll.commandDefinitions.map(({ name }) => name)));
      await backscroll.stop();
      await attachBackscroll(client, { dataDir: "" }).catch((error) => console.log(error.message));
      process.exit(0);
    `;
    /** Only compiled: what a host hands on must fit what discord.js wants. */
    const hands = `
      export const registerAll = (own: Client<true>, { commandDefinitions }: Backscroll) =>
        own.application.commands.set([...commandDefinitions]);
    `;
    const inMain = (code: string) => `async function main() {${code}}\nmain();\n`;
    const esm = `import { attachBackscroll, type Backscroll } from "backscroll";\n`;
    const dynamic = `import type { Backscroll } from "backscroll" with { "resolution-mode": "import" };\n`;
    const discord = `import { Client, GatewayIntentBits } from "discord.js";\n`;
    const load = `const { attachBackscroll } = await import("backscroll");\n`;
    const required = `const { attachBackscroll } = require("backscroll");\nconst { Client, GatewayIntentBits } = require("discord.js");\n`;
    /** By name: file, module kind for tsc (none: JavaScript), source. */
    const bots: [string, string, string | undefined, string][] = [
      ["an ES module, in JavaScript", "esm.mjs", undefined, `${esm.replace(", type Backscroll", "")}${discord}${use}`],
      ["CommonJS, in JavaScript", "common.cjs", undefined, `${required}${inMain(use)}`],
      [
        "CommonJS, in JavaScript, by import()",
        "lazy.cjs",
        undefined,
        `${required.split("\n")[1]}\n${inMain(load + use)}`,
      ],
      ["an ES module, in TypeScript", "esm-nodenext.mts", "nodenext", `${esm}${discord}${hands}${use}`],
      ["module commonjs", "common-classic.ts", "commonjs", `${esm}${discord}${hands}${inMain(use)}`],
      ["module commonjs, by import()", "lazy-classic.ts", "commonjs", `${discord}${inMain(load + use)}`],
      ["module node16", "common16.cts", "node16", `${esm}${discord}${hands}${inMain(use)}`],
      ["module node16, by import()", "lazy16.cts", "node16", `${dynamic}${discord}${hands}${inMain(load + use)}`],
      ["module nodenext", "common-next.cts", "nodenext", `${esm}${discord}${hands}${inMain(use)}`],
      [
        "module nodenext, by import()",
        "lazy-next.cts",
        "nodenext",
        `${dynamic}${discord}${hands}${inMain(load + use)}`,
      ],
    ];

    test("compiles, whatever the module kind", { timeout: INSTALL_MS }, async () => {
      const examples = join(folder, "node_modules/backscroll/examples");
      expect((await readdir(examples)).sort()).toEqual(["commonjs-bot.cjs", "existing-bot.ts"]);
      await copyFile(join(examples, "existing-bot.ts"), join(folder, "existing-bot.mts"));
      await copyFile(join(examples, "commonjs-bot.cjs"), join(folder, "commonjs-bot.cjs"));
      for (const [, file, , source] of bots) await writeFile(join(folder, file), source);
      for (const module of ["commonjs", "node16", "nodenext"]) {
        const files = bots.filter(([, , kind]) => kind === module).map(([, file]) => file);
        const options = ["--strict", "--module", module, "--target", "es2023", "--types", "node", "--skipLibCheck"];
        if (module === "nodenext") files.push("existing-bot.mts");
        const compiled = await run("npx", ["--no-install", "tsc", ...options, ...files], folder);
        expect(compiled).toEqual({ code: 0, output: "" });
      }
    });

    test.each(bots)("runs in %s", { timeout: INSTALL_MS }, async (_kind, file) => {
      const { output } = await run("node", [file.replace(/ts$/, "js"), await temporaryFolder()], folder);
      expect(output).toContain('"search"');
      expect(output).toContain("dataDir must not be empty");
      expect(output).not.toMatch(/Warning/);
    });

    test.each(["existing-bot.mjs", "commonjs-bot.cjs"])(
      "as in the example %s, runs until it needs a token",
      {
        timeout: INSTALL_MS,
      },
      async (file) => {
        const { code, output } = await run("node", [file], folder);
        expect(output).toMatch(/invalid token|token was provided/i);
        expect(code).toBe(1);
      },
    );
  });
});
