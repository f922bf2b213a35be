// `npm run demo`: the whole of Backscroll on this machine, without Discord. Starts the stand-in, a community and the bot, serves a
// page that looks like Discord, plays a backfill and three searches, then takes slash commands typed here or on the page.

import { createInterface } from "node:readline/promises";
import { type APIMessage, ComponentType } from "discord-api-types/v10";
import { CalledWrongly, runProgram } from "../src/app/command-line.ts";
import { toError } from "../src/errors.ts";
import { exportedGuild, readExport } from "../src/importing/exports.ts";
import { writtenHistory } from "./history/read.ts";
import type { InteractionHandle } from "./interaction-handle.ts";
import { answerOf, namer, play } from "./play.ts";
import { type Community, populateExported, populateWritten } from "./populate.ts";
import { type Stage, setStage } from "./stage.ts";
import { helpText, parseTyped, renderInTerminal } from "./terminal.ts";
import type { World } from "./world.ts";

const PAGE_PORT = 4747;

const usage = (call: string) => `Usage: ${call} [--history FILE] [--no-play] [--exit | --stay] [--port N] [--log LEVEL]

  --history FILE  a DiscordChatExporter JSON export, or JSONL (plain or .gz); without it, a community written for the demo
  --no-play       play nothing: the bot has just joined, and the first /backfill start is yours
  --exit          end after the play; the exit code says whether all of it worked
  --stay          go on until Ctrl-C, also when the input is no terminal and has ended
  --port N        where the page is served (${PAGE_PORT}, or any free port when that is taken)
  --log LEVEL     the bot's log: silent (default), warn, info, debug`;

const print = (text: string) => console.log(text);

const flags = {
  history: { type: "string" },
  "no-play": { type: "boolean", default: false },
  exit: { type: "boolean", default: false },
  stay: { type: "boolean", default: false },
  port: { type: "string", default: String(PAGE_PORT) },
  log: { type: "string", default: "silent" },
} as const;

interface Wish {
  readonly history?: string | undefined;
  readonly "no-play": boolean;
  readonly exit: boolean;
  readonly stay: boolean;
  readonly port: string;
  readonly log: string;
}

/** Types slash commands until the input ends or Ctrl-C. @param who as whom to begin */
async function takeCommands(stage: Stage, who: "admin" | "member"): Promise<void> {
  const { sandbox, community } = stage;
  const { world } = sandbox;
  const nameOf = namer(sandbox);
  const definitions = () => [...world.state.commands.values()].map(({ definition }) => definition);
  let userId = community[`${who}Id`];
  let latest: InteractionHandle | undefined;
  print(`\n${helpText(definitions())}`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: `\n${nameOf(userId)} › ` });
  terminal.on("SIGINT", () => terminal.close());
  terminal.prompt();
  for await (const line of terminal) {
    try {
      await obey(line.trim());
    } catch (thrown) {
      print(toError(thrown).message);
    }
    if (/^(quit|exit)$/.test(line.trim())) break;
    terminal.setPrompt(`\n${nameOf(userId)} › `);
    terminal.prompt();
  }
  terminal.close();

  async function obey(line: string): Promise<void> {
    const [word = "", ...rest] = line.split(/\s+/);
    if (line === "" || word === "quit" || word === "exit") return;
    if (word === "help") return print(helpText(definitions()));
    if (word === "as") {
      userId = findUser(rest.join(" "));
      return;
    }
    if (word === "say") {
      const channelId = idOf(rest[0] ?? "");
      if (channelId === undefined) throw new Error(`there is no channel ${rest[0] ?? ""}`);
      world.postMessage({ channelId, authorId: userId, content: rest.slice(1).join(" ") });
      return print("(posted)");
    }
    if (word === "press") return await press(rest.join(" "));
    if (!line.startsWith("/")) throw new Error("type a slash command, or help");
    const typed = parseTyped(line, definitions(), idOf);
    const channelId = userId === community.adminId ? community.adminChannelId : community.lobbyId;
    latest = world.runCommand({ userId, channelId, ...typed });
    print(renderInTerminal(await answerOf(latest), nameOf));
  }

  async function press(label: string): Promise<void> {
    const shown = [latest?.reply(), ...(latest?.followups() ?? []), ...progressMessages()];
    for (const message of shown) {
      const customId = message && buttonOf(message, label);
      if (message === undefined || customId === undefined) continue;
      const before = JSON.stringify(message.embeds);
      const pressed = world.pressButton({ userId, messageId: message.id, customId });
      latest = pressed;
      const changed = await pressed
        .until((reply, followups) => followups[0] ?? (JSON.stringify(reply?.embeds) !== before && reply), 5_000)
        .catch(() => undefined);
      return print(renderInTerminal(changed || (await answerOf(pressed)), nameOf));
    }
    throw new Error(`there is no button “${label}” to be seen`);
  }

  function progressMessages(): APIMessage[] {
    return world.visibleMessages(community.adminId, community.adminChannelId, { limit: 20 }).map(world.render);
  }

  function findUser(name: string): string {
    if (name === "admin") return community.adminId;
    if (name === "member") return community.memberId;
    const id = idOf(name.startsWith("@") ? name : `@${name}`);
    if (id === undefined) throw new Error(`there is no member ${name}`);
    return id;
  }

  function idOf(mention: string): string | undefined {
    const name = mention.replace(/^[#@]/, "");
    if (mention.startsWith("@")) return [...world.state.users.values()].find(({ username }) => username === name)?.id;
    const channels = [...world.getGuild(community.guildId).channels.values()];
    return channels.find((channel) => channel.name === name)?.id;
  }
}

function buttonOf(message: APIMessage, label: string): string | undefined {
  for (const row of message.components ?? []) {
    if (row.type !== ComponentType.ActionRow) continue;
    for (const part of row.components) {
      const isMeant = "label" in part && part.label?.toLowerCase() === label.toLowerCase();
      if (isMeant && "custom_id" in part) return part.custom_id;
    }
  }
  return undefined;
}

async function main({ history, exit, stay, port, log, "no-play": noPlay }: Wish): Promise<number> {
  const populate = (world: World): Promise<Community> | Community =>
    history === undefined ? populateWritten(world, writtenHistory({ endsAt: Date.now() })) : loadExport(world, history);
  const startedAt = Date.now();
  const stage = await setStage(populate, { logLevel: logLevelOf(log), pagePort: portOf(port) });
  const invitation = `\nIn the browser, as in Discord: ${stage.page.url}`;
  print(invitation);
  let interrupted = false;
  const onInterrupt = () => {
    interrupted = true;
    void stage.close().then(() => process.exit(130));
  };
  process.once("SIGINT", onInterrupt);
  try {
    const problems = noPlay ? [] : await play(stage, print);
    if (!noPlay)
      print(`\nPlayed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s${problems.length === 0 ? "." : ":"}`);
    for (const problem of problems) print(`  ✗ ${problem}`);
    if (!exit) {
      if (!noPlay) print(invitation);
      process.off("SIGINT", onInterrupt);
      if (noPlay)
        print("\nNothing has been done yet. Begin with /backfill analyze, then /backfill start source: discord");
      await takeCommands(stage, noPlay ? "admin" : "member");
      if (stay) await untilInterrupted();
    }
    return problems.length === 0 ? 0 : 1;
  } finally {
    if (!interrupted) await stage.close();
  }
}

async function loadExport(world: World, file: string): Promise<Community> {
  const guild = await exportedGuild(file).catch((thrown: unknown) => {
    throw new CalledWrongly(toError(thrown).message, { cause: thrown });
  });
  return populateExported(world, guild, readExport(file), (line, problem) =>
    print(`line ${line} left out: ${problem}`),
  );
}

/** For when nobody types here, but the page is in use. */
async function untilInterrupted(): Promise<void> {
  await new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CalledWrongly(`--port takes a number, not “${text}”.`);
  return port;
}

function logLevelOf(name: string) {
  const levels = ["silent", "error", "warn", "info", "debug"] as const;
  const level = levels.find((each) => each === name);
  if (level === undefined) throw new CalledWrongly(`--log takes one of ${levels.join(", ")}, not “${name}”.`);
  return level;
}

await runProgram({ name: "demo", usage, flags, run: main });
