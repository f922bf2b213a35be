// The package's one export: adds Backscroll to a discord.js client, whoever made it, and leaves the rest of that client alone.
// Opens the stores and listens at once; indexing and search begin when it is known which vectors there will be (see core.ts).

import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, Events, type Interaction, type RESTPostAPIApplicationCommandsJSONBody } from "discord.js";
import { createChartDrawer } from "./adapters/chart/index.ts";
import { openArchive } from "./adapters/denokv/open.ts";
import { createAdminChannel } from "./adapters/discord/admin-channel.ts";
import { toChannelInfo } from "./adapters/discord/channel-info.ts";
import { registerCommands } from "./adapters/discord/command-registration.ts";
import { clientReady, lackingIntents, listenToConnection } from "./adapters/discord/connection.ts";
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
import type { LogLevel } from "./config.ts";
import { type Core, createCore } from "./core.ts";
import { connectEmbedder, type EmbeddingServer } from "./embedder.ts";
import { toError, UserError } from "./errors.ts";
import { archiveOnly } from "./indexing/archive-only.ts";
import { createMakeUp, type MakeUp } from "./indexing/make-up.ts";
import type { Clock, GuildEvents, Logger } from "./ports.ts";
import type { Snowflake } from "./snowflake.ts";
import { announcementMessage } from "./views/announcement.ts";

export interface BackscrollOptions {
  /** A folder for the archive and the index; made if it does not exist. One process at a time. */
  readonly dataDir: string;
  /** An OpenAI-compatible embedding server. Left out: the built-in model. */
  readonly embeddings?: EmbeddingServer;
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
  /** Takes everything off the client, stores what is in flight and closes the stores; the client stays as it is. Safe to repeat. */
  stop(): Promise<void>;
}

const MODEL_FOLDER = fileURLToPath(new URL("../models/backscroll-static", import.meta.url));
const ASK_AGAIN_MS = 30_000;

/**
 * @param client logged in or not; needs the intents Guilds, GuildMessages and MessageContent
 * @throws UserError when the data folder cannot be used
 */
export async function attachBackscroll(client: Client, options: BackscrollOptions): Promise<Backscroll> {
  const { dataDir, forgetOnLeave = false, clock = systemClock } = options;
  const logger = typeof options.log === "object" ? options.log : createLogger(options.log ?? "info");
  const opened = await openArchive({ location: join(dataDir, "archive.sqlite"), logger });
  const indexStore = await createIndexStore(join(dataDir, "index")).catch(async (thrown: unknown) => {
    await opened.close();
    throw thrown;
  });
  const { archive } = opened;
  const runStore = opened.runStore((value) => runSchema.parse(value));
  const directory = createDirectory(client, logger);
  const onDiscord = createHistory(client, { directory, logger });
  const lacking = lackingIntents(client);
  if (lacking.length > 0) logger.warn("intents:lacking", { intents: lacking });
  const canReadContent = async () => lacking.length === 0 && (await onDiscord.canReadContent());
  const history = { ...onDiscord, canReadContent };
  const charts = createChartDrawer(logger);
  const stopped = new AbortController();

  let core: Core | undefined;
  let makeUp: MakeUp | undefined;
  let startingBecause = "it has only just been started";
  const attachedAt = clock.now();

  function requireCore(): Core {
    if (core !== undefined) return core;
    throw new UserError(
      `Backscroll is not ready yet: ${startingBecause}. New messages are kept meanwhile. Try again in a moment.`,
    );
  }

  const beforeCore = archiveOnly(archive);
  const now = (): GuildEvents => core?.live ?? beforeCore;
  const listening = listenToGuilds(
    client,
    {
      // Without the intent messages arrive empty, and would empty what is stored of them.
      messageSaved: async (...event) => {
        if (lacking.length === 0) await now().messageSaved(...event);
      },
      messagesDeleted: (...event) => now().messagesDeleted(...event),
      channelSaved: (...event) => now().channelSaved(...event),
      channelDeleted: (...event) => now().channelDeleted(...event),
      guildLeft,
    },
    { directory, logger },
  );

  async function guildLeft(guildId: Snowflake): Promise<void> {
    makeUp?.leave(guildId);
    // Before there is a core, it is only remembered (see `forgetLeft`).
    if (core === undefined && forgetOnLeave) await archive.beginRemoval(guildId, { by: "guild" });
    await now().guildLeft(guildId);
    await core?.leave(guildId);
  }

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
      draw: charts.draw,
      clock,
      logger,
    },
    { prefix: options.commandPrefix },
  );

  const onInteraction = (interaction: Interaction) => run("interaction", commands.handle(interaction));
  client.on(Events.InteractionCreate, onInteraction);
  const stopWatching = listenToConnection(
    client,
    {
      // Before there is a core, nothing is known to be caught up with: it begins with that.
      reconnected: (awaySince) => {
        makeUpAll(awaySince);
        run("forget", core && forgetLeft(core));
      },
      invited: (guildId, joinedAt) => run("guild", core && enterGuild(core, guildId, joinedAt)),
    },
    clock,
  );

  const underWay = new Set<Promise<unknown>>();
  /** For what only `stop` waits for: a failure is logged. */
  function run(subject: string, work: Promise<unknown> | undefined): void {
    if (work === undefined) return;
    const ending = work
      .catch((thrown: unknown) => logger.error(`${subject}:failed`, { error: toError(thrown).message }))
      .finally(() => underWay.delete(ending));
    underWay.add(ending);
  }

  function makeUpAll(awaySince: number): void {
    for (const guildId of client.guilds.cache.keys()) makeUp?.begin(guildId, awaySince);
  }

  /** What was written before the bot came back, if it had been here before, is caught up with. */
  async function enterGuild({ enter }: Core, guildId: Snowflake, joinedAt: number): Promise<void> {
    await enter(guildId);
    makeUp?.begin(guildId, joinedAt);
  }

  /** Guilds that the bot left: while it was away, or at the end of its last life, which did not finish forgetting them. */
  async function forgetLeft({ enter, leave }: Core): Promise<void> {
    for (const guildId of await archive.guilds()) {
      if (client.guilds.cache.has(guildId)) continue;
      const isBegun = (await archive.unfinishedRemovals(guildId)).length > 0;
      if (!isBegun && !(forgetOnLeave && (await hasLeft(guildId)))) continue;
      if (!isBegun) await archive.beginRemoval(guildId, { by: "guild" });
      await enter(guildId);
      await leave(guildId);
    }
  }

  /** Of a guild that another shard looks after, or that is out of service, Discord does not say so. */
  async function hasLeft(guildId: Snowflake): Promise<boolean> {
    while (!stopped.signal.aborted) {
      try {
        return await directory.hasLeft(guildId);
      } catch (thrown) {
        logger.warn("forget:retry", { guildId, error: toError(thrown).message });
        await clock.sleep(ASK_AGAIN_MS, stopped.signal);
      }
    }
    return false;
  }

  /** As soon as Discord is there: while the embedder is waited for, the commands say so. */
  async function offerCommands(): Promise<void> {
    await clientReady(client, stopped.signal);
    if (stopped.signal.aborted || options.registerCommands === false) return;
    await registerCommands(client, commands.definitions, { logger });
  }

  async function startIndexing(): Promise<void> {
    const embedder = await connectEmbedder(
      {
        embeddings: options.embeddings,
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
      adminChannel: createAdminChannel(
        client,
        (content, mayAttach) => announcementMessage(content, mayAttach ? charts.draw : undefined),
        clock,
      ),
      findMembers: (guildId, name) => findMembers(client, guildId, name),
      system: createSystemProbe(dataDir),
      thresholds: { ...defaultThresholds, ...options.thresholds },
      forgetOnLeave,
      rereading: (guildId) => makeUp?.rereading(guildId),
      holder: `${hostname()}, process ${process.pid}`,
      clock,
      logger,
    });
    await clientReady(client, stopped.signal);
    if (stopped.signal.aborted) return;
    makeUp = createMakeUp({
      archive,
      history,
      live: core.live,
      settled: listening.settled,
      isGone: directory.isGone,
      hasLeft: directory.hasLeft,
      onLeft: guildLeft,
      clock,
      logger,
    });
    for (const guildId of client.guilds.cache.keys()) await core.enter(guildId);
    makeUpAll(attachedAt);
    run("forget", forgetLeft(core));
    logger.info("backscroll:ready", { guilds: client.guilds.cache.size, model: embedder.space.modelId });
  }

  const offering = offerCommands();
  const indexing = startIndexing();
  indexing.catch((thrown: unknown) => {
    startingBecause = toError(thrown).message.replace(/\.$/, "");
  });
  const ready = Promise.all([offering, indexing]).then(() => undefined);
  // Whoever attached may look at `ready` later, or never.
  run("backscroll", ready);

  async function stop(): Promise<void> {
    stopped.abort();
    client.off(Events.InteractionCreate, onInteraction);
    stopWatching();
    const heard = listening.stop();
    await charts.close();
    await Promise.allSettled([offering, indexing]);
    await makeUp?.stop();
    await core?.stop();
    // Last, because they may wait for work that the core has to break off.
    await heard;
    await Promise.all(underWay);
    await indexStore.close();
    await opened.close();
  }
  let stopping: Promise<void> | undefined;

  return {
    commandDefinitions: commands.definitions,
    ready,
    status: async (guildId) => requireCore().engine.status(guildId),
    idle: async () => core?.live.idle(),
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
