// The package's one export: adds Backscroll to a discord.js client, whoever made it, and leaves the rest of that client alone.
// Opens the stores and listens at once; indexing and search begin when it is known which vectors there will be (see services.ts).

import "./app/check-platform.ts";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, Events, type Interaction } from "discord.js";
import type { StaticModel } from "./adapters/builtin-model/static-model.ts";
import { createChartDrawer } from "./adapters/chart/index.ts";
import { createAdminChannel } from "./adapters/discord/admin-channel.ts";
import { toChannelInfo } from "./adapters/discord/channel-info.ts";
import { watchVisibility } from "./adapters/discord/channel-visibility.ts";
import { clientReady, isConnected, lackingIntents, listenToConnection } from "./adapters/discord/connection.ts";
import { createDirectory } from "./adapters/discord/directory.ts";
import { watchDiscordTime } from "./adapters/discord/discord-time.ts";
import { listenToGuilds } from "./adapters/discord/gateway.ts";
import { createHistory } from "./adapters/discord/history.ts";
import { findMembers, findRoles } from "./adapters/discord/members.ts";
import { offerCommands } from "./adapters/discord/offer-commands.ts";
import { createPermissions } from "./adapters/discord/permissions.ts";
import { keepRequestsGoing } from "./adapters/discord/rate-limit-clock.ts";
import { createLogger } from "./adapters/pino.ts";
import { createSystemProbe, systemClock } from "./adapters/system.ts";
import { createCatchingUp } from "./app/catching-up.ts";
import { checkHost } from "./app/check-options.ts";
import { connectFormerEmbedder } from "./app/choose-embedder.ts";
import { createGuildEvents } from "./app/guild-events.ts";
import { createGuildMembership, keepLeftDaysOf } from "./app/guild-membership.ts";
import { defaultSettings } from "./app/indexing-services.ts";
import { openHealthPort } from "./app/metrics-server.ts";
import { chooseModel } from "./app/model-choice.ts";
import { createNotReady } from "./app/not-ready.ts";
import { type Core, createServices } from "./app/services.ts";
import { openStores, secretsOf } from "./app/stores.ts";
import { tellAdmins } from "./app/tell-admins.ts";
import { createBackground } from "./async/background.ts";
import type { Announcement } from "./backfill/reporting/announcements.ts";
import { createCommands } from "./commands/index.ts";
import { lateContext } from "./commands/late-context.ts";
import { toError, UserError } from "./errors.ts";
import type { Backscroll, BackscrollOptions, DiscordClient } from "./options.ts";
import type { HostProblem } from "./ports/discord.ts";
import type { Embedder } from "./ports/embedder.ts";
import { createHearing } from "./sync/hearing.ts";
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
  const { dataDir, clock = systemClock } = options;
  const secrets = () => [client.token, options.embeddings?.apiKey, ...secretsOf(options)];
  const logger = typeof options.log === "object" ? options.log : createLogger(options.log ?? "info", secrets);
  const stores = await openStores(options, logger);
  const { archive } = stores;
  const system = createSystemProbe(options.archive && options.index ? undefined : dataDir);
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
  const guildIds = () => [...client.guilds.cache.keys()];

  const { run, settled } = createBackground((subject, thrown) =>
    logger.error(`${subject}:failed`, { error: toError(thrown).message }),
  );

  let core: Core | undefined;
  let model = "";
  const notReady = createNotReady();

  const port = await openHealthPort(options.healthPort, {
    guildIds,
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
  const keepLeftDays = keepLeftDaysOf(options);
  const membershipParts = { archive, keepLeftDays, hasLeft: directory.hasLeft, time, clock, logger };
  const membership = createGuildMembership(client, membershipParts, stopped.signal);
  const events = createGuildEvents({
    core: () => core,
    archive,
    isContentHidden,
    membership,
    onLeft: (guildId) => catchingUp.leave(guildId),
  });
  const catchingUp = createCatchingUp({
    guildIds,
    membership,
    directory,
    settled: (guildId) => listening.settled(guildId),
    onLeft: events.guildLeft,
    background: run,
    archive,
    history,
    hearing,
    clock,
    logger,
  });
  const { begin, look } = catchingUp;
  const listeningParts = { directory, hearing, clock, logger, onMissed: begin, onGap: look };
  const listening = listenToGuilds(client, events, listeningParts);

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
      return await tellAdmins(problems, guildIds(), { archive, adminChannel, status, logger });
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
    connected: catchingUp.connected,
    invited: (guildId) => run("guild", catchingUp.invited(guildId)),
    available: begin,
  });
  const stopThawing = keepRequestsGoing(client, clock, logger);
  const stopWatching = watchVisibility(client, hearing, begin);

  async function open(embedder: Embedder, isUp: boolean, builtinModel: StaticModel): Promise<void> {
    core = createServices({
      stores,
      settings: {
        thresholds: { ...defaultSettings.thresholds, ...options.thresholds },
        command: `/${options.commandPrefix ?? ""}backfill`,
        budget: options.embeddings?.budget,
        forgetOnLeave: keepLeftDays === 0,
        keepDeletedHours: options.keepDeletedHours ?? defaultSettings.keepDeletedHours,
        keepUnreadableDays: options.keepUnreadableDays ?? defaultSettings.keepUnreadableDays,
        keepOldIndexDays: options.keepOldIndexDays,
        reindexByItself: options.reindexByItself,
      },
      discord: {
        history,
        adminChannel,
        permissions: createPermissions(client, { directory, logger }),
        findMembers: (guildId, name) => findMembers(client, guildId, name),
        findRoles: (guildId, name) => findRoles(client, guildId, name),
        onIncluded: begin,
        time,
        rechecking: catchingUp.rechecking,
        gaps: catchingUp.gaps,
        hostProblems,
      },
      embedder: port?.measured(embedder, isUp) ?? embedder,
      wordModel: builtinModel,
      connectFormer: (settings) => connectFormerEmbedder(settings, options.embeddings, { clock, logger }),
      onUpkeepFailed: port?.upkeepFailed,
      isLocal: options.archive === undefined && options.index === undefined,
      system,
      holder: `${hostname()}, process ${process.pid}`,
      clock,
      logger,
    });
    await clientReady(client, stopped.signal);
    if (stopped.signal.aborted) return;
    await catchingUp.start(core);
    model = embedder.space.modelId;
  }

  function tellReady(): void {
    if (!stopped.signal.aborted) logger.info("backscroll:ready", { guilds: client.guilds.cache.size, model });
  }

  const indexing = chooseModel(
    {
      modelFolder: MODEL_FOLDER,
      embeddings: options.embeddings,
      memoryFile: join(dataDir, "embedding-servers.json"),
      notReady,
      background: run,
      clock,
      logger,
    },
    {
      open,
      isOpen: () => core !== undefined,
      isEmpty: async () => (await core?.isEmpty(guildIds())) === true,
      async close() {
        const before = core;
        core = undefined;
        await catchingUp.stop();
        await before?.stop();
      },
      async onChosenAgain() {
        tellReady();
        if (stopped.signal.aborted) await core?.stop();
      },
    },
    stopped.signal,
  );
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
    const lastHeard = listening.stop();
    await charts.close();
    await port?.close();
    await Promise.allSettled([offered.ended, indexing]);
    await catchingUp.stop();
    await core?.stop();
    // Last, because they may wait for work that the core has to break off.
    await lastHeard;
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
