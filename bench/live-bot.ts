// The real bot on the stand-in for Discord, with members who write and search meanwhile: what they feel, in milliseconds. The bot is
// a process of its own; the stand-in and the members are here.

import type { APIMessage } from "discord-api-types/v10";
import { createSandbox } from "../sandbox/server.ts";
import { openArchive } from "../src/adapters/denokv/open.ts";
import type { ArchivedRecord } from "../src/ports/records.ts";
import type { Snowflake } from "../src/snowflake.ts";
import { openExactSearch } from "./exact-search.ts";
import type { Lab } from "./lab.ts";
import { channelId, channels, composeQueries, composeRecords, GUILD, type RecordKind } from "./records.ts";
import type { EmbedderName } from "./server-profiles.ts";
import { archiveFile, listeningLogger } from "./setup.ts";
import type { BotFigures, BotOptions, BotState } from "./tasks/bot.ts";

const HEARTBEAT_MS = 1_000;
const SEARCHABLE_WITHIN_MS = 60_000;
/** More often, and looking takes the bot's processor from it: with a long tail of rows that no index holds, 10 ms and more a look. */
const LOOK_EVERY_MS = 25;
/** For anything that is only to be over: the machine may be busy with other things. */
const PATIENCE_MS = 300_000;

export interface Felt {
  /** When it began, since the traffic did. Milliseconds. */
  readonly atMs: number;
  readonly tookMs: number;
}

export interface Traffic {
  readonly messages: readonly Felt[];
  readonly searches: readonly Felt[];
}

export interface LiveBot {
  /** `/backfill start` as an admin types it; resolves when the run is on its way. */
  startBackfill(pace: "auto" | "full" | "gentle"): Promise<void>;
  state(): Promise<BotState>;
  /** A member has everything deleted that they have written, as they type and confirm it; resolves when that has begun. */
  forget(userId: Snowflake): Promise<void>;
  /** Whether something is being removed. */
  isRemoving(): Promise<boolean>;
  /** Since the last time. */
  figures(): Promise<BotFigures>;
  /**
   * The process is killed and started anew, and a member searches as soon as Discord sees it online. Milliseconds until the search is
   * acknowledged ("is thinking"), and until it is answered.
   */
  restart(): Promise<{ readonly acknowledgedMs: number; readonly answeredMs: number }>;
  /** Members write and search, each one thing after another with these pauses, until the signal. */
  traffic(stop: AbortSignal, pauseMs: number): Promise<Traffic>;
  close(): Promise<void>;
}

/** What it finds as soon as it finds something. @param otherwise why there is nothing for so long */
async function until<Found>(look: () => Promise<Found>, otherwise: () => string): Promise<NonNullable<Found>> {
  const startedAt = performance.now();
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(otherwise());
    await sleep(LOOK_EVERY_MS);
  }
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A bot on an archive of so many records of which nothing is embedded yet. @param ofWriter see `RecordKind` */
export async function startLiveBot(
  lab: Lab,
  records: number,
  embedder: EmbedderName,
  { ofWriter = false }: Pick<RecordKind, "ofWriter"> = {},
): Promise<LiveBot> {
  const kind = { plain: true, ofWriter };
  const folder = await lab.archive(records, kind);
  const sandbox = await createSandbox({ rateLimits: false, heartbeatIntervalMs: HEARTBEAT_MS });
  const { world } = sandbox;
  const admin = world.addUser({ username: "admin" });
  const member = world.addUser({ username: "member" });
  world.addGuild({ id: GUILD, name: "Bench", ownerId: admin.id });
  world.addMember(GUILD, { userId: member.id });
  for (const { id, name } of channels) world.addChannel({ guildId: GUILD, id, name });
  const adminChannelId = world.addChannel({ guildId: GUILD, name: "admin" }).id;
  const authors = new Set<Snowflake>();
  function* known(history: Iterable<ArchivedRecord>) {
    for (const record of history) {
      const { authorId: id, authorName: username } = record;
      if (!authors.has(id)) {
        authors.add(id);
        world.addUser({ id, username });
        world.addMember(GUILD, { userId: id });
      }
      yield { id: record.id, channelId: record.channelId, authorId: id, content: record.content };
    }
  }

  // All of it: a bot that comes back compares what it has with Discord.
  world.loadMessages(known(composeRecords(records, lab.endsAtMs, kind)));

  const options: BotOptions = {
    folder,
    embedder,
    serverUrl: lab.serverUrl,
    apiUrl: sandbox.apiUrl,
    token: sandbox.token,
  };
  let bot = lab.begin<object>("bot", options);
  await bot.said("ready");
  const queries = composeQueries(500);
  let serial = 0;

  // The first message makes the index.
  world.postMessage({ channelId: channelId(0), authorId: member.id, content: "hello" });
  const reader = await until(
    () => openExactSearch(folder),
    () => "the first message makes no index",
  );

  async function writeMessage(): Promise<number> {
    serial += 1;
    const content = `liveword${serial}x is what member number ${serial} says about the antenna`;
    const startedAt = performance.now();
    const { id } = world.postMessage({ channelId: channelId(serial % 100), authorId: member.id, content });
    while (!(await reader.has(id))) {
      if (performance.now() - startedAt > SEARCHABLE_WITHIN_MS) throw new Error("a live message is not searchable");
      await sleep(LOOK_EVERY_MS);
    }
    return performance.now() - startedAt;
  }

  function typeSearch() {
    serial += 1;
    const query = queries[serial % queries.length] ?? "antenna";
    return world.runCommand({ userId: member.id, channelId: channelId(1), name: "search", options: { query } });
  }

  async function searchOnce(): Promise<number> {
    const startedAt = performance.now();
    await typeSearch().response(PATIENCE_MS);
    return performance.now() - startedAt;
  }

  async function seenOnline(isOnline: boolean): Promise<void> {
    while (sandbox.gateway.connections > 0 !== isOnline) await sleep(1);
  }

  async function ask<Answer>(event: "figures" | "state"): Promise<Answer> {
    const answered = bot.said(event);
    bot.say(event);
    return (await answered).figures as Answer;
  }

  const beside = await openArchive({ location: archiveFile(folder), logger: listeningLogger() });
  const isRemoving = async () => (await beside.archive.unfinishedRemovals(GUILD)).length > 0;

  // What follows an absence, and what is only compiled, connected and cached once, is no one's every day.
  await until(
    async () => (await ask<BotState>("state")).isCaughtUp,
    () => "the bot does not catch up",
  );
  for (let n = 0; n < 5; n += 1) {
    await writeMessage();
    await searchOnce();
  }
  await ask("figures");

  return {
    async startBackfill(pace) {
      const options = { source: "archive", pace, "report-to": adminChannelId };
      const command = { userId: admin.id, channelId: adminChannelId, name: "backfill", subcommand: "start", options };
      const handle = world.runCommand(command);
      await until(
        async () => (await ask<BotState>("state")).read > 0,
        () => `the backfill does not start: ${JSON.stringify(handle.reply()?.embeds)}`,
      );
    },
    async forget(userId) {
      const command = { userId, channelId: channelId(0), name: "privacy", subcommand: "delete" };
      const asked = await world
        .runCommand(command)
        .until((reply) => (confirmation(reply) ? reply : undefined), PATIENCE_MS);
      world.pressButton({ userId, messageId: asked.id, customId: confirmation(asked) ?? "" });
      await until(isRemoving, () => "the removal does not begin");
    },
    isRemoving,
    state: () => ask<BotState>("state"),
    figures: () => ask<BotFigures>("figures"),
    async restart() {
      await bot.kill();
      await seenOnline(false);
      bot = lab.begin<object>("bot", options);
      const ready = bot.said("ready");
      await seenOnline(true);
      const startedAt = performance.now();
      const typed = typeSearch();
      await typed.acknowledged();
      const acknowledgedMs = performance.now() - startedAt;
      await typed.response(PATIENCE_MS);
      const answeredMs = performance.now() - startedAt;
      await ready;
      return { acknowledgedMs, answeredMs };
    },
    async traffic(stop, pauseMs) {
      const begunAt = performance.now();
      async function again(what: () => Promise<number>, felt: Felt[]): Promise<void> {
        while (!stop.aborted) {
          const atMs = performance.now() - begunAt;
          felt.push({ atMs, tookMs: await what() });
          await sleep(pauseMs);
        }
      }
      const [messages, searches]: [Felt[], Felt[]] = [[], []];
      await Promise.all([again(writeMessage, messages), again(searchOnce, searches)]);
      return { messages, searches };
    },
    async close() {
      reader.close();
      await beside.close();
      // Its run is left half done: nobody needs its end.
      await bot.kill();
      await sandbox.close();
      await lab.remove(folder);
    },
  };
}

/** The first button of a question. */
function confirmation(message: APIMessage | undefined): string | undefined {
  const rows = (message?.components ?? []).map((row) => ("components" in row ? row.components : []));
  return rows
    .flat()
    .flatMap((component) => ("custom_id" in component && component.custom_id ? [component.custom_id] : []))[0];
}
