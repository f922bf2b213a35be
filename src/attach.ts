// The package's one export: adds Backscroll to a discord.js client, whoever made it, and leaves the rest of that client alone.
// Opens the stores and listens at once; indexing and search begin when it is known which vectors there will be (see core.ts).

import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Client,
  Events,
  GatewayIntentBits,
  type Guild,
  type Interaction,
  type RESTPostAPIApplicationCommandsJSONBody,
} from "discord.js";
import { openArchive } from "./adapters/denokv/open.ts";
import { createAdminChannel } from "./adapters/discord/admin-channel.ts";
import { toChannelInfo } from "./adapters/discord/channel-info.ts";
import { registerCommands } from "./adapters/discord/command-registration.ts";
import { createDirectory } from "./adapters/discord/directory.ts";
import { listenToGuilds } from "./adapters/discord/gateway.ts";
import { createHistory } from "./adapters/discord/history.ts";
import { findMembers } from "./adapters/discord/members.ts";
import { createPermissions } from "./adapters/discord/permissions.ts";
import { createIndexStore } from "./adapters/lancedb/store.ts";
import { createLogger } from "./adapters/pino.ts";
import { createSystemProbe, systemClock } from "./adapters/system.ts";
import { type AlertThresholds, defaultThresholds } from "./backfill/alerts.ts";
import type { BackfillStatus } from "./backfill/backfill.ts";
import { runSchema } from "./backfill/run.ts";
import { createCommands } from "./commands/index.ts";
import type { EmbeddingsConfig, LogLevel } from "./config.ts";
import { type Core, createCore } from "./core.ts";
import { connectEmbedder } from "./embedder.ts";
import { toError, UserError } from "./errors.ts";
import { archiveOnly } from "./indexing/archive-only.ts";
import { catchUp } from "./indexing/collect.ts";
import type { Clock, GuildEvents, History, Logger } from "./ports.ts";
import { type Snowflake, snowflakeAt } from "./snowflake.ts";
import { announcementView } from "./views/announcement.ts";

export interface BackscrollOptions {
  /** A folder for the archive and the index; made if it does not exist. One process at a time. */
  readonly dataDir: string;
  /** An OpenAI-compatible embedding server. Left out: the built-in model. */
  readonly embeddings?: Pick<EmbeddingsConfig, "baseUrl"> & Partial<EmbeddingsConfig>;
  /** Put before each command's name, for a bot that has, say, a `search` of its own. */
  readonly commandPrefix?: string;
  /** Default true: our commands are added to the application, one by one; the host's are left alone. */
  readonly registerCommands?: boolean;
  /** Delete what is stored of a server when the bot leaves it. Default false. */
  readonly forgetOnLeave?: boolean;
  readonly thresholds?: Partial<AlertThresholds>;
  /** A log of your own, or a level for ours. Default "info". */
  readonly log?: Logger | LogLevel;
  /** For tests. */
  readonly clock?: Clock;
}

export interface Backscroll {
  /** What is, or would be, registered with Discord. */
  readonly commandDefinitions: readonly RESTPostAPIApplicationCommandsJSONBody[];
  /** Resolves when the commands work: the client is ready and the embedder known. Rejects when that cannot be. */
  readonly ready: Promise<void>;
  /** @throws UserError before `ready` */
  status(guildId: Snowflake): Promise<BackfillStatus>;
  /** Resolves when everything under way in a guild's live indexing is done. */
  idle(): Promise<void>;
  /** Takes everything off the client, stores what is in flight and closes the stores; the client stays as it is. */
  stop(): Promise<void>;
}

const MODEL_FOLDER = fileURLToPath(new URL("../models/backscroll-static", import.meta.url));
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * @param client logged in or not; needs the intents Guilds, GuildMessages and MessageContent
 * @throws UserError when the data folder cannot be used
 */
export async function attachBackscroll(client: Client, options: BackscrollOptions): Promise<Backscroll> {
  const { dataDir, clock = systemClock } = options;
  const logger = typeof options.log === "object" ? options.log : createLogger(options.log ?? "info");
  const opened = await openArchive({ location: join(dataDir, "archive.sqlite"), logger });
  const indexStore = await createIndexStore(join(dataDir, "index")).catch(async (thrown: unknown) => {
    await opened.close();
    throw thrown;
  });
  const { archive } = opened;
  const runStore = opened.runStore((value) => runSchema.parse(value));
  const directory = createDirectory(client, logger);
  const history = withIntentCheck(client, createHistory(client, { directory, logger }));
  const stopped = new AbortController();

  let core: Core | undefined;
  let startingBecause = "it has only just been started";
  /** Since when events may have been missed; undefined while the gateway is connected. */
  let awaySince: number | undefined = clock.now();

  function requireCore(): Core {
    if (core !== undefined) return core;
    throw new UserError(
      `Backscroll is not ready yet: ${startingBecause}. New messages are kept meanwhile. Try again in a moment.`,
    );
  }

  const beforeCore = archiveOnly(archive);
  const now = (): GuildEvents => core?.live ?? beforeCore;
  const stopListening = listenToGuilds(
    client,
    {
      messageSaved: (...event) => now().messageSaved(...event),
      messagesDeleted: (...event) => now().messagesDeleted(...event),
      channelSaved: (...event) => now().channelSaved(...event),
      channelDeleted: (...event) => now().channelDeleted(...event),
      guildLeft: async (guildId) => {
        await now().guildLeft(guildId);
        await core?.leave(guildId);
      },
    },
    { directory, logger },
  );

  const commands = createCommands(
    {
      get backfill() {
        return requireCore().engine;
      },
      get notes() {
        return requireCore().notes;
      },
      get search() {
        return requireCore().search;
      },
      get access() {
        return requireCore().access;
      },
      archive,
      channelInfo: toChannelInfo,
      clock,
      logger,
    },
    { prefix: options.commandPrefix },
  );

  const listeners = {
    [Events.InteractionCreate]: (interaction: Interaction) => run("interaction", commands.handle(interaction)),
    [Events.GuildCreate]: (guild: Guild) => run("guild", core?.enter(guild.id)),
    [Events.ShardReconnecting]: () => {
      awaySince ??= clock.now();
    },
    [Events.ShardResume]: () => {
      awaySince = undefined;
    },
    [Events.ShardReady]: () => run("catch-up", catchUpAll()),
  };
  client.on(Events.InteractionCreate, listeners[Events.InteractionCreate]);
  client.on(Events.GuildCreate, listeners[Events.GuildCreate]);
  client.on(Events.ShardReconnecting, listeners[Events.ShardReconnecting]);
  client.on(Events.ShardResume, listeners[Events.ShardResume]);
  client.on(Events.ShardReady, listeners[Events.ShardReady]);

  /** For what nobody waits for: a failure is logged. */
  function run(subject: string, work: Promise<unknown> | undefined): void {
    work?.catch((thrown: unknown) => logger.error(`${subject}:failed`, { error: toError(thrown).message }));
  }

  /** What was missed while away, in every guild this process owns. A guild acquired later catches up when it is. */
  async function catchUpAll(): Promise<void> {
    if (core === undefined || awaySince === undefined) return;
    const since = awaySince;
    awaySince = undefined;
    for (const guildId of client.guilds.cache.keys()) await catchUpGuild(guildId, since);
  }

  async function catchUpGuild(guildId: Snowflake, since: number): Promise<void> {
    if (core === undefined || stopped.signal.aborted) return;
    const found = await catchUp({ archive, history, clock, logger }, guildId, snowflakeAt(since), stopped.signal);
    if (found.saved + found.removed > 0) logger.info("catch-up:done", { guildId, ...found });
    core?.live.kick(guildId);
  }

  async function start(): Promise<void> {
    const embedder = await connectEmbedder(
      {
        embeddings: options.embeddings && { ...noEmbeddings, ...options.embeddings },
        modelFolder: MODEL_FOLDER,
        memoryFile: join(dataDir, "embedding-servers.json"),
        clock,
        logger,
        onWaiting: (reason) => {
          startingBecause = `the embedding server has never answered (${reason})`;
        },
      },
      stopped.signal,
    );
    if (embedder === undefined) return;
    core = await createCore({
      archive,
      runStore,
      indexStore,
      embedder,
      modelFolder: MODEL_FOLDER,
      history,
      permissions: createPermissions(client, { directory, logger, clock }),
      adminChannel: createAdminChannel(client, (announcement) => ({ body: announcementView(announcement) }), clock),
      findMembers: (guildId, name) => findMembers(client, guildId, name),
      system: createSystemProbe(dataDir),
      thresholds: { ...defaultThresholds, ...options.thresholds },
      forgetOnLeave: options.forgetOnLeave ?? false,
      holder: `${hostname()}, process ${process.pid}`,
      clock,
      logger,
    });
    startingBecause = "it is waiting for Discord";
    await clientReady(client, stopped.signal);
    if (stopped.signal.aborted) return;
    if (options.registerCommands ?? true) await registerCommands(client, commands.definitions, { logger });
    for (const guildId of client.guilds.cache.keys()) await core.enter(guildId);
    run("catch-up", catchUpAll());
    logger.info("backscroll:ready", { guilds: client.guilds.cache.size, model: embedder.space.modelId });
  }

  const ready = start();
  // Whoever attached may look at `ready` later, or never.
  ready.catch((thrown: unknown) => {
    startingBecause = toError(thrown).message;
    logger.error("backscroll:failed", { error: startingBecause });
  });

  return {
    commandDefinitions: commands.definitions,
    ready,
    status: async (guildId) => requireCore().engine.status(guildId),
    idle: async () => core?.live.idle(),
    async stop() {
      stopped.abort();
      for (const [event, listener] of Object.entries(listeners)) client.off(event, listener);
      await stopListening();
      await ready.catch(() => undefined);
      await core?.stop();
      await indexStore.close();
      await opened.close();
    },
  };
}

/** The application may have the privilege while this client did not ask for it: then messages arrive empty all the same. */
function withIntentCheck(client: Client, history: History): History {
  return {
    ...history,
    canReadContent: async () =>
      client.options.intents.has(GatewayIntentBits.MessageContent) && (await history.canReadContent()),
  };
}

const noEmbeddings: Omit<EmbeddingsConfig, "baseUrl"> = {
  apiKey: undefined,
  model: undefined,
  documentPrefix: undefined,
  queryPrefix: undefined,
  parallelRequests: undefined,
  textsPerRequest: undefined,
  requestTimeoutMs: DEFAULT_TIMEOUT_MS,
};

/** Resolves when the client is ready, or when the signal aborts. */
async function clientReady(client: Client, signal: AbortSignal): Promise<void> {
  if (client.isReady() || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      client.off(Events.ClientReady, done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    client.on(Events.ClientReady, done);
    signal.addEventListener("abort", done);
  });
}
