// The package's one export: adds Backscroll to a discord.js client, whoever made it, and leaves the rest of that client alone.
// Opens the stores and listens at once; indexing and search begin when it is known which vectors there will be (see services.ts).

import "./app/check-platform.ts";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, Events, type Interaction } from "discord.js";
import { loadStaticModel } from "./adapters/builtin-model/model.ts";
import { createChartDrawer } from "./adapters/chart/index.ts";
import { createAdminChannel } from "./adapters/discord/admin-channel.ts";
import { toChannelInfo } from "./adapters/discord/channel-info.ts";
import { clientReady, isConnected, lackingIntents, listenToConnection } from "./adapters/discord/connection.ts";
import { createDirectory } from "./adapters/discord/directory.ts";
import { watchDiscordTime } from "./adapters/discord/discord-time.ts";
import { listenToGuilds } from "./adapters/discord/gateway.ts";
import { createHistory } from "./adapters/discord/history.ts";
import { findMembers, findRoles } from "./adapters/discord/members.ts";
import { offerCommands } from "./adapters/discord/offer-commands.ts";
import { createPermissions } from "./adapters/discord/permissions.ts";
import { keepRequestsGoing } from "./adapters/discord/rate-limit-clock.ts";
import { watchSight } from "./adapters/discord/sight.ts";
import { createLogger } from "./adapters/pino.ts";
import { createSystemProbe, systemClock } from "./adapters/system.ts";
import { noticingAnotherModel } from "./app/agreed-model.ts";
import { checkHost } from "./app/check-options.ts";
import { connectEmbedder, connectFormerEmbedder } from "./app/choose-embedder.ts";
import { createGuildMembership } from "./app/guild-membership.ts";
import { openHealthPort } from "./app/metrics-server.ts";
import { createNotReady } from "./app/not-ready.ts";
import { type Core, createServices } from "./app/services.ts";
import { openStores, secretsOf } from "./app/stores.ts";
import { tellAdmins } from "./app/tell-admins.ts";
import { createBackground } from "./async/background.ts";
import type { Announcement } from "./backfill/reporting/announcements.ts";
import { defaultThresholds } from "./backfill/run/alerts.ts";
import { runSchema } from "./backfill/run/run.ts";
import { createCommands } from "./commands/index.ts";
import { lateContext } from "./commands/late-context.ts";
import { toError, UserError } from "./errors.ts";
import { archiveOnly } from "./indexing/live/archive-only.ts";
import type { Backscroll, BackscrollOptions, DiscordClient } from "./options.ts";
import type { GuildEvents, HostProblem } from "./ports/discord.ts";
import type { Snowflake } from "./snowflake.ts";
import { createHearing } from "./sync/hearing.ts";
import { createResync, type Resync } from "./sync/resync.ts";
import { announcementMessage } from "./views/announcement.ts";

export type { Backscroll, BackscrollOptions, DiscordClient } from "./options.ts";

const MODEL_FOLDER = fileURLToPath(new URL("../models/backscroll-static", import.meta.url));

/**
 * @param host logged in or not; needs the intents Guilds, GuildMessages and MessageContent
 * @throws UserError that lists what is wrong with the client and the options, or when the data folder, or a remote store, cannot be used
 */
export async function attachBackscroll(host: DiscordClient, options: BackscrollOptions): Promise<Backscroll> {
  checkHost(host, options);
  const client = host as Client;
  const { dataDir, forgetOnLeave = false, clock = systemClock } = options;
  const secrets = () => [client.token, options.embeddings?.apiKey, ...secretsOf(options)];
  const logger = typeof options.log === "object" ? options.log : createLogger(options.log ?? "info", secrets);
  const stores = await openStores(options, logger);
  const { archive } = stores;
  const isRemote = options.archive !== undefined && options.index !== undefined;
  const system = createSystemProbe(isRemote ? undefined : dataDir);
  const runStore = stores.runStore((value) => runSchema.parse(value));
  const directory = createDirectory(client, logger);
  const onDiscord = createHistory(client, { directory, logger });
  const lacking = lackingIntents(client);
  if (lacking.length > 0) logger.warn("intents:lacking", { intents: lacking });
  const isContentHidden = lacking.includes("MessageContent");
  const canReadContent = async () => !isContentHidden && (await onDiscord.canReadContent());
  const history = { ...onDiscord, canReadContent };
  const charts = createChartDrawer(logger);
  const drawn = (content: Announcement, mayAttach: boolean) =>
    announcementMessage(content, mayAttach ? charts.draw : undefined);
  const adminChannel = createAdminChannel(client, drawn, clock);
  const stopped = new AbortController();
  const { hasLeft } = directory;
  const membership = createGuildMembership(client, { archive, forgetOnLeave, hasLeft, clock, logger }, stopped.signal);

  const { run, settled } = createBackground((subject, thrown) =>
    logger.error(`${subject}:failed`, { error: toError(thrown).message }),
  );

  let core: Core | undefined;
  let resync: Resync | undefined;
  let model = "";
  const notReady = createNotReady();

  const port = await openHealthPort(options.healthPort, {
    guildIds: () => [...client.guilds.cache.keys()],
    atWork: () => core?.engine.atWork() ?? [],
    status: () => core?.engine.status,
    spending: () => core?.spending,
    waitingFor: notReady.told,
    isConnected: () => isConnected(client),
    system,
    clock,
    logger,
  }).catch(async (thrown: unknown) => {
    await stores.close();
    throw thrown;
  });

  function requireCore(isForAdmins = false): Core {
    if (core !== undefined) return core;
    throw notReady.error(isForAdmins);
  }

  const hearing = createHearing();
  const time = watchDiscordTime(client, clock, logger);
  const beforeCore = archiveOnly(archive);
  const now = (): GuildEvents => core?.live ?? beforeCore;
  const listening = listenToGuilds(
    client,
    {
      // Without the intent messages arrive empty, and would empty what is stored of them.
      messageSaved: async (...event) => {
        if (!isContentHidden) await now().messageSaved(...event);
      },
      messagesDeleted: (...event) => now().messagesDeleted(...event),
      channelSaved: (...event) => now().channelSaved(...event),
      channelDeleted: (...event) => now().channelDeleted(...event),
      guildLeft,
    },
    {
      directory,
      hearing,
      clock,
      logger,
      onMissed: (guildId) => resync?.begin(guildId),
      onGap: (guildId, channelId) => resync?.look(guildId, channelId),
    },
  );

  async function guildLeft(guildId: Snowflake): Promise<void> {
    resync?.leave(guildId);
    // Before there is a core, it is only remembered (see `forgetLeft`).
    if (core === undefined && forgetOnLeave) await archive.beginRemoval(guildId, { by: "guild" });
    await now().guildLeft(guildId);
    await core?.leave(guildId);
  }

  const commands = createCommands(
    lateContext(
      { archive, channelInfo: toChannelInfo, draw: charts.draw, hostProblems, clock, logger },
      (isForAdmins) => {
        const { engine, search, ...services } = requireCore(isForAdmins);
        return { ...services, backfill: engine, search: port?.timed(search) ?? search };
      },
    ),
    { prefix: options.commandPrefix },
  );
  // At once: while the embedder is waited for, the commands say so.
  const offered = offerCommands(client, commands.definitions, {
    register: options.registerCommands ?? true,
    replace: options.replaceCommands ?? false,
    dataDir,
    clock,
    logger,
    signal: stopped.signal,
    tell: async (problems) => {
      await indexing.catch(() => undefined);
      const status = core?.engine.status;
      if (status === undefined) return false;
      return await tellAdmins(problems, [...client.guilds.cache.keys()], { archive, adminChannel, status, logger });
    },
  });

  function hostProblems(): HostProblem[] {
    return [...lacking.map((intent) => ({ kind: "intent-lacking", intent }) as const), ...offered.problems()];
  }

  const answer = async (interaction: Interaction) =>
    (await offered.isOurs(interaction)) && (await commands.handle(interaction));
  const onInteraction = (interaction: Interaction) => run("interaction", answer(interaction));
  client.on(Events.InteractionCreate, onInteraction);
  const stopListening = listenToConnection(client, {
    // Before there is a core, nothing is caught up with: it begins with that.
    connected: () => {
      if (resync === undefined) return;
      resyncAll();
      run("forget", core && membership.forget(core));
    },
    invited: (guildId) => run("guild", core && comeBack(core, guildId)),
    available: (guildId) => resync?.begin(guildId),
  });
  const stopThawing = keepRequestsGoing(client, clock, logger);
  const stopWatching = watchSight(client, hearing, (guildId) => resync?.begin(guildId));

  const resyncAll = () => client.guilds.cache.forEach(({ id }) => void resync?.begin(id));

  /** What was written before the bot came back, if it had been here before, is caught up with. */
  async function comeBack(core: Core, guildId: Snowflake): Promise<void> {
    await core.enter(guildId);
    await membership.remember([guildId]);
    resync?.begin(guildId);
  }

  async function startIndexing(): Promise<void> {
    const builtinModel = await loadStaticModel(MODEL_FOLDER);
    const connected = await connectEmbedder(
      {
        embeddings: options.embeddings,
        builtinModel,
        memoryFile: join(dataDir, "embedding-servers.json"),
        clock,
        logger,
        onUnreachable: (detail) => notReady.because("it waits for the search model", detail),
      },
      stopped.signal,
    );
    if (connected === undefined) return;
    const { isUp } = connected;
    const embedder = noticingAnotherModel(connected.embedder, () => run("embedder", chooseAgain()));
    core = createServices({
      ...stores,
      runStore,
      budget: options.embeddings?.budget,
      embedder: port?.measured(embedder, isUp) ?? embedder,
      onUpkeepFailed: port?.upkeepFailed,
      wordModel: builtinModel,
      history,
      isLocal: options.archive === undefined && options.index === undefined,
      keepDeletedHours: options.keepDeletedHours,
      onIncluded: (guildId) => resync?.begin(guildId),
      permissions: createPermissions(client, { directory, logger }),
      adminChannel,
      findMembers: (guildId, name) => findMembers(client, guildId, name),
      findRoles: (guildId, name) => findRoles(client, guildId, name),
      system,
      thresholds: { ...defaultThresholds, ...options.thresholds },
      command: `/${options.commandPrefix ?? ""}backfill`,
      forgetOnLeave,
      keepOldIndexDays: options.keepOldIndexDays,
      reindexByItself: options.reindexByItself,
      connectFormer: (settings) => connectFormerEmbedder(settings, options.embeddings, { clock, logger }),
      time,
      rechecking: (guildId) => resync?.rechecking(guildId),
      hostProblems,
      gaps: (guildId) => resync?.gaps(guildId) ?? { isKnown: false, channels: 0 },
      holder: `${hostname()}, process ${process.pid}`,
      clock,
      logger,
    });
    await clientReady(client, stopped.signal);
    if (stopped.signal.aborted) return;
    resync = createResync({
      archive,
      history,
      live: core.live,
      settled: listening.settled,
      hearing,
      channel: directory.channel,
      isGone: directory.isGone,
      hasLeft: directory.hasLeft,
      onLeft: guildLeft,
      clock,
      logger,
    });
    const guildIds = [...client.guilds.cache.keys()];
    await core.enter(...guildIds);
    resyncAll();
    run("remember", membership.remember(guildIds));
    run("forget", membership.forget(core));
    model = embedder.space.modelId;
  }

  function tellReady(): void {
    if (!stopped.signal.aborted) logger.info("backscroll:ready", { guilds: client.guilds.cache.size, model });
  }

  let isChoosingAgain = false;

  /** The server has another model than at the start. As long as nothing is indexed, it may: all begins anew with that one. */
  async function chooseAgain(): Promise<void> {
    const before = core;
    if (before === undefined || isChoosingAgain || stopped.signal.aborted) return;
    isChoosingAgain = true;
    try {
      if (!(await before.isEmpty([...client.guilds.cache.keys()]))) return;
      logger.warn("embedder:chosen-again");
      notReady.because("the search model was changed before anything was searchable");
      core = undefined;
      await resync?.stop();
      await before.stop();
      await startIndexing();
      tellReady();
      if (stopped.signal.aborted) await (core as Core | undefined)?.stop();
    } finally {
      isChoosingAgain = false;
    }
  }

  const indexing = startIndexing();
  indexing.catch((thrown: unknown) => {
    notReady.because("it could not be started", toError(thrown).message);
  });
  const ready = Promise.all([offered.registered, indexing]).then(tellReady);
  // Whoever attached may look at `ready` later, or never.
  run("backscroll", ready);

  async function stop(): Promise<void> {
    stopped.abort();
    client.off(Events.InteractionCreate, onInteraction);
    stopListening();
    stopWatching();
    time.stop();
    stopThawing();
    const heard = listening.stop();
    await charts.close();
    await port?.close();
    await Promise.allSettled([offered.ended, indexing]);
    await resync?.stop();
    await core?.stop();
    // Last, because they may wait for work that the core has to break off.
    await heard;
    await settled();
    await stores.close();
  }
  let stopping: Promise<void> | undefined;
  let unregistering: Promise<void> | undefined;

  return {
    commandDefinitions: commands.definitions,
    ready,
    async status(guildId) {
      if (stopped.signal.aborted) throw new UserError("Backscroll has been stopped.");
      return await requireCore().engine.status(guildId);
    },
    async idle() {
      await listening.settled();
      await core?.live.idle();
    },
    async stop({ unregister = false } = {}) {
      stopping ??= stop();
      await stopping;
      if (unregister) unregistering ??= offered.unregister();
      await unregistering;
    },
  };
}
