// The whole bot in front of the stand-in for Discord, as its users meet it: commands typed, buttons pressed, messages written.
// Everything is stopped and removed after the test.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@lancedb/lancedb";
import { type Client, type ClientOptions, MessageFlags } from "discord.js";
import type { APIMessage } from "discord-api-types/v10";
import { afterEach } from "vitest";
import type { OptionValues } from "../../sandbox/command-shapes.ts";
import type { PostInput } from "../../sandbox/messages.ts";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { systemClock } from "../../src/adapters/system.ts";
import { attachBackscroll, type Backscroll, type BackscrollOptions } from "../../src/attach.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Logger } from "../../src/ports/logger.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake } from "../../src/snowflake.ts";
import { startDiscord, type TestDiscord, type TestDiscordOptions } from "./discord.ts";

/** Generous, because test machines are busy. */
export const PATIENCE_MS = 25_000;
const LINES_TOLD = 40;
const LOOK_EVERY_MS = 40;
/** Fits the disk of a small machine; the rest as in production. */
const DISK_LOW_BYTES = 50e6;
/** Of the archive's largest page. */
const EVERYTHING = 10_000;

export interface Logged {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: Record<string, unknown>;
}

/** One line of a page of search results. */
export interface Result {
  /** Undefined for a note. */
  readonly messageId: Snowflake | undefined;
  readonly title: string;
  readonly text: string;
}

export type TestBackscrollOptions = Partial<BackscrollOptions> & {
  readonly discord?: TestDiscordOptions;
  readonly client?: Partial<ClientOptions>;
  /** Default true. */
  readonly awaitReady?: boolean;
};

export interface TestBackscroll extends TestDiscord {
  readonly dataDir: string;
  readonly logged: readonly Logged[];
  /** The client that Backscroll is on at the moment. */
  readonly client: Client<true>;
  /** The latest one attached. */
  readonly backscroll: Backscroll;
  /** Attaches to the client, or another, on the same data folder; the same options unless given. Resolves when it is ready. */
  attach(options?: Partial<BackscrollOptions>, client?: Client): Promise<Backscroll>;
  /** Stops it, lets things happen in the world, and attaches it again. */
  whileAway(happen: () => unknown): Promise<void>;
  /** A member types a command, e.g. `type(ada, "note add", { text: "…" })`. @returns the settled reply */
  type(who: Snowflake, command: string, options?: OptionValues, channelId?: Snowflake): Promise<APIMessage>;
  /** A member presses a button that is answered with a reply of its own. @returns the settled reply */
  press(who: Snowflake, message: APIMessage, label: string): Promise<APIMessage>;
  /** Writes a message in `general` unless told otherwise. @returns its id */
  say(who: Snowflake, content: string, more?: Partial<PostInput>): Snowflake;
  /** What a member's search finds: the first page. */
  search(who: Snowflake, query: string, options?: OptionValues, channelId?: Snowflake): Promise<Result[]>;
  /** The ids of the messages among them. */
  found(who: Snowflake, query: string, options?: OptionValues, channelId?: Snowflake): Promise<Snowflake[]>;
  /** Searches until the message is among the results. @throws Error when that never comes */
  untilFound(who: Snowflake, query: string, messageId: Snowflake, channelId?: Snowflake): Promise<void>;
  untilGone(who: Snowflake, query: string, messageId: Snowflake): Promise<void>;
  /** What is stored, read past Backscroll, which must be stopped. Ids of messages and notes, oldest first. */
  stored(): Promise<{ archived: Snowflake[]; indexed: Snowflake[]; pending: number }>;
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A guild (see discord.ts) with a bot that is ready, in a data folder of its own. */
export async function startBackscroll(options: TestBackscrollOptions = {}): Promise<TestBackscroll> {
  const { discord: discordOptions, client: clientOptions, awaitReady = true, ...given } = options;
  const discord = await startDiscord({ rateLimits: false, ...discordOptions });
  const { world, guild, general } = discord;
  const dataDir = given.dataDir ?? (await temporaryFolder());
  const logged: Logged[] = [];
  let client = await discord.login(quick(clientOptions));
  let backscroll: Backscroll;
  await attach();

  async function attach(more: Partial<BackscrollOptions> = {}, other?: Client): Promise<Backscroll> {
    if (other) client = other as Client<true>;
    const thresholds = { diskLowBytes: DISK_LOW_BYTES, ...given.thresholds };
    const attached = await attachBackscroll(client, { log: recorder(logged), ...given, ...more, thresholds, dataDir });
    open.push(() => attached.stop());
    backscroll = attached;
    if (awaitReady) await attached.ready;
    return attached;
  }

  async function type(who: Snowflake, command: string, values: OptionValues = {}, channelId = general.id) {
    const words = command.split(" ");
    const [name = "", group, subcommand] = words.length > 2 ? words : [words[0], undefined, words[1]];
    const handle = world.runCommand({
      userId: who,
      channelId,
      name,
      ...(group && { group }),
      ...(subcommand && { subcommand }),
      options: values,
    });
    await handle.acknowledged();
    return await handle.until((reply) => reply && isSettled(reply) && reply, PATIENCE_MS);
  }

  async function search(who: Snowflake, query: string, more: OptionValues = {}, channelId?: Snowflake) {
    return resultsOf(await typeSearch(who, query, more, channelId));
  }
  const typeSearch = (who: Snowflake, query: string, more: OptionValues = {}, channelId?: Snowflake) =>
    type(who, `${given.commandPrefix ?? ""}search`, { query, ...more }, channelId);
  const found: TestBackscroll["found"] = async (...asked) =>
    (await search(...asked)).flatMap(({ messageId }) => messageId ?? []);

  return {
    ...discord,
    dataDir,
    logged,
    get client() {
      return client;
    },
    get backscroll() {
      return backscroll;
    },
    attach,
    async whileAway(happen) {
      await backscroll.stop();
      await happen();
      await attach();
    },
    type,
    async press(who, message, label) {
      const handle = world.pressButton({ userId: who, messageId: message.id, customId: buttonId(message, label) });
      await handle.acknowledged();
      return await handle.until((reply) => reply && isSettled(reply) && reply, PATIENCE_MS);
    },
    say: (who, content, more) => world.postMessage({ channelId: general.id, authorId: who, content, ...more }).id,
    search,
    found,
    untilFound: (who, query, id, channelId) =>
      tellingWhatWasLogged(logged, () =>
        until(`search finds ${id} by ${query}`, async () => (await found(who, query, {}, channelId)).includes(id)),
      ),
    untilGone: (who, query, id) =>
      tellingWhatWasLogged(logged, () =>
        // Nor folded into another.
        until(`search finds ${id} no more by ${query}`, async () => !textOf(await typeSearch(who, query)).includes(id)),
      ),
    stored: () => readStores(dataDir, guild.id),
  };
}

/** Longer than what Discord said about a private thread is remembered. */
export const FORGOTTEN_MS = 20_000;

/** A clock that can be ahead, so that what is remembered for a while is forgotten. */
export function skippingClock(): Clock & { skip(ms: number): void } {
  let skipped = 0;
  return {
    ...systemClock,
    elapsed: () => systemClock.elapsed() + skipped,
    skip(ms) {
      skipped += ms;
    },
  };
}

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-test-"));
  open.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Closed after the test, last first. */
export function closeAfterTest(close: () => Promise<unknown>): void {
  open.push(async () => void (await close()));
}

/** The stand-in without rate limits need not be asked slowly. */
export const quick = (options: Partial<ClientOptions> = {}): Partial<ClientOptions> => ({
  ...options,
  rest: { globalRequestsPerSecond: 1_000, ...options.rest },
});

/** Looks again and again until it is true; for what announces itself nowhere. @throws Error naming `what` after the deadline */
export async function until(what: string, check: () => unknown, timeoutMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`never came true within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** What fails on a machine that nobody can look at tells what was logged last. */
async function tellingWhatWasLogged<T>(logged: readonly Logged[], wait: () => Promise<T>): Promise<T> {
  try {
    return await wait();
  } catch (thrown) {
    const last = logged.slice(-LINES_TOLD).map((line) => JSON.stringify(line));
    throw new Error(`${(thrown as Error).message}; logged last:\n${last.join("\n")}`, { cause: thrown });
  }
}

/** Everything a person reads in a message. */
export function textOf(message: APIMessage): string {
  const embeds = message.embeds.flatMap(({ title, description, fields = [], footer }) => [
    title,
    description,
    ...fields.flatMap(({ name, value }) => [name, value]),
    footer?.text,
  ]);
  return [message.content, ...embeds].filter(Boolean).join("\n");
}

export function resultsOf(message: APIMessage): Result[] {
  return message.embeds.flatMap(({ fields = [] }) =>
    fields.map(({ name, value }) => ({
      // Its own link stands at the end, behind those of messages that are folded into it.
      messageId: /\/channels\/\d+\/\d+\/(\d+)$/.exec(value)?.[1],
      title: name,
      text: value,
    })),
  );
}

/** The labels of a message's buttons. */
export function buttons(message: APIMessage): string[] {
  return componentsOf(message).map(({ label }) => label);
}

/** @throws Error when there is no such button */
export function buttonId(message: APIMessage, label: string): string {
  const found = componentsOf(message).find((component) => component.label === label);
  if (!found) throw new Error(`no button "${label}" on: ${textOf(message)}`);
  return found.customId;
}

function componentsOf(message: APIMessage): { label: string; customId: string }[] {
  const rows = (message.components ?? []).flatMap((row) => ("components" in row ? [row.components] : []));
  return rows
    .flat()
    .flatMap((component) =>
      "label" in component && "custom_id" in component && component.custom_id
        ? [{ label: component.label ?? "", customId: component.custom_id }]
        : [],
    );
}

/** While a command works, its reply says how far it is, ending in "…"; that is not the answer yet. */
function isSettled(message: APIMessage): boolean {
  if ((message.flags ?? 0) & MessageFlags.Loading) return false;
  const title = message.embeds[0]?.title;
  // A page of results is headed by the query, which may end in anything.
  return title?.startsWith("🔎") === true || !(title ?? message.content).trimEnd().endsWith("…");
}

function recorder(into: Logged[]): Logger {
  const at =
    (level: Logged["level"]) =>
    (event: string, fields: Record<string, unknown> = {}) =>
      void into.push({ level, event, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export async function readStores(dataDir: string, guildId: Snowflake) {
  const quiet: Logger = recorder([]);
  const { archive, close } = await openArchive({ location: join(dataDir, "archive.sqlite"), logger: quiet });
  const range = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
  const pages = await Promise.all(
    (["message", "note"] as const).map((kind) => archive.page(guildId, kind, range, EVERYTHING)),
  );
  const archived = pages.flatMap(({ records }) => records.map(({ record }) => record.id));
  const pending = (await archive.pending(guildId, EVERYTHING)).length;
  await close();
  const database = await connect(join(dataDir, "index"));
  const indexed = new Set<Snowflake>();
  for (const name of (await database.tableNames()).filter((each) => each.startsWith(`g${guildId}_`))) {
    const table = await database.openTable(name);
    for (const { id } of (await table.query().select(["id"]).toArray()) as { id: bigint }[]) indexed.add(String(id));
    table.close();
  }
  database.close();
  const oldestFirst = (ids: Iterable<Snowflake>) => [...ids].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  return { archived: oldestFirst(archived), indexed: oldestFirst(indexed), pending };
}
