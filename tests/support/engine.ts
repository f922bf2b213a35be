// A whole backfill without Discord: real Deno KV file, real LanceDB, the openai adapter against a real embedding server, live
// indexing and the engine, with a clock that can be moved on and a machine whose disk and memory can be set.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOpenAiEmbedder } from "../../src/adapters/openai/index.ts";
import { createIndexingServices, defaultSettings } from "../../src/app/indexing-services.ts";
import { openStores } from "../../src/app/stores.ts";
import type { StoresConfig } from "../../src/app/stores-config.ts";
import type { StartOptions, StartOutcome } from "../../src/backfill/lifecycle/outcomes.ts";
import type { Announcement } from "../../src/backfill/reporting/announcements.ts";
import type { AlertThresholds } from "../../src/backfill/run/alerts.ts";
import type { Run } from "../../src/backfill/run/run.ts";
import { RENEW_EVERY_MS } from "../../src/indexing/guild-index/ownership.ts";
import type { TextRecipe } from "../../src/indexing/text/prepare.ts";
import type { ChannelInfo } from "../../src/ports/archive.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { HistoryChannel } from "../../src/ports/discord.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { ArchivedRecord, RecordKind } from "../../src/ports/records.ts";
import type { Budget } from "../../src/ports/spending.ts";
import type { VectorIndex } from "../../src/ports/vector-index.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, type Snowflake, snowflakeAt } from "../../src/snowflake.ts";
import { type EmbeddingServer, startEmbeddingServer } from "./embedding-server.ts";
import { matching, nearest } from "./index-searches.ts";

export { createManualClock, type ManualClock } from "./manual-clock.ts";
export { testEmbedder } from "./test-embedder.ts";

export const GUILD: Snowflake = "900000000000000001";
export const ADMIN_CHANNEL: Snowflake = "77";
export const EVERYTHING = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
const DIMENSIONS = 16;
const HOUR_MS = 3_600_000;

// ---------------------------------------------------------------- clocks

export interface SkippableClock extends Clock {
  /** Time jumps; whoever sleeps until then wakes. */
  skip(ms: number): void;
}

/** Real time that can also be moved on. */
export function createSkippableClock(): SkippableClock {
  let skippedMs = 0;
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();
  const elapsed = () => performance.now() + skippedMs;
  const skip = (ms: number) => {
    skippedMs += ms;
    for (const sleeper of [...sleepers].sort((a, b) => a.dueMs - b.dueMs)) {
      if (sleeper.dueMs <= elapsed()) sleeper.wake();
    }
  };
  return {
    now: () => Date.now() + skippedMs,
    elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", wake);
          sleepers.delete(sleeper);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        const sleeper = { dueMs: elapsed() + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake);
      }),
    skip,
  };
}

/** Waits for a condition; fails with what it waited for. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 15_000,
): Promise<void> {
  const startedAt = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedAt > deadlineMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

// ---------------------------------------------------------------- records

/** Fixed, so that the same hour is the same id all through a test. */
const NOW_MS = Date.now();

/** An id so many hours ago. `serial` tells ids of the same hour apart. */
export function hoursAgo(hours: number, serial = 0): Snowflake {
  return (BigInt(snowflakeAt(NOW_MS - hours * HOUR_MS)) + BigInt(serial)).toString();
}

/** Ids of messages that arrive while a child process works: newer than all of `history`, the same in each of its lives. */
export function hourOfChild(n: number): Snowflake {
  return snowflakeAt(Date.UTC(2030, 0, 1) + n * 60_000);
}

export function message(id: Snowflake, content: string, given: Partial<ArchivedRecord> = {}): ArchivedRecord {
  const channelId = given.channelId ?? "10";
  return {
    kind: "message",
    id,
    accessChannelId: channelId,
    authorId: "20",
    authorName: "Ada",
    content,
    ...given,
    channelId,
  };
}

/** So many messages, one an hour, in three channels, newest first: 0 is an hour old, 720 and older is no longer "recent". */
export function history(count: number): ArchivedRecord[] {
  return Array.from({ length: count }, (_, n) =>
    message(hoursAgo(n + 1), text(n), { channelId: String(10 + (n % 3)) }),
  );
}

const topics = [
  "kettle",
  "soldering",
  "antenna",
  "garden",
  "laser",
  "violin",
  "harbour",
  "glacier",
  "falcon",
  "quartz",
];

/** Words that differ from message to message, of various lengths. */
function text(n: number): string {
  const topic = topics[n % topics.length];
  return `message number ${n} about the ${topic} ${"and what came of it ".repeat(n % 7)}token${n}`;
}

export function channel(id: Snowflake, given: Partial<ChannelInfo> = {}): ChannelInfo {
  return { id, name: `channel-${id}`, type: "text", accessChannelId: id, ...given };
}

// ---------------------------------------------------------------- the setup

export interface SetupOptions {
  /** Of an earlier setup, to see what it left behind. Default: a new one. */
  readonly folder?: string;
  /** On remote engines instead. */
  readonly stores?: StoresConfig;
  /** Default: the openai adapter against `server`. */
  readonly embedder?: Embedder;
  readonly server?: EmbeddingServer;
  /** A server that another process runs. */
  readonly serverUrl?: string;
  /** The server's. Default: "test-embed", of 16 dimensions. */
  readonly served?: { readonly modelId: string; readonly dimensions: number };
  readonly textsPerRequest?: number;
  readonly requestTimeoutMs?: number;
  readonly clock?: SkippableClock;
  readonly holder?: string;
  readonly thresholds?: Partial<AlertThresholds>;
  readonly forgetOnLeave?: boolean;
  readonly command?: string;
  readonly textRecipe?: TextRecipe;
  readonly reindexByItself?: boolean;
  readonly keepOldIndexDays?: number;
  readonly keepDeletedHours?: number;
  readonly budget?: Budget | undefined;
  readonly dollarsPerMillion?: number;
  /** False: the guild is not claimed at once. */
  readonly claim?: boolean;
}

export type Setup = Awaited<ReturnType<typeof openSetup>>;

const IMPATIENT_MS = 400;

/** Everything of one bot process but Discord. Close it after the test. */
export async function openSetup(options: SetupOptions = {}) {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "backscroll-setup-")));
  const clock = options.clock ?? createSkippableClock();
  const log: { readonly level: string; readonly event: string; readonly fields?: Record<string, unknown> }[] = [];
  const logger = recordingLogger(log);
  const opened = await openStores(
    { ...(options.stores ?? { dataDir: folder }), keepDeletedHours: options.keepDeletedHours },
    logger,
  );
  const { archive, runStore } = opened;
  const foreign = options.embedder !== undefined || options.serverUrl !== undefined;
  const server = options.server ?? (foreign ? undefined : await startServer());
  const embedder = options.embedder ?? embedderOf(options.serverUrl ?? server?.url, options);
  const store = opened.indexStore;
  let atTheServer = 0;
  const counted: Embedder = {
    ...embedder,
    async embed(...asked) {
      atTheServer += 1;
      try {
        return await embedder.embed(...asked);
      } finally {
        atTheServer -= 1;
      }
    },
  };
  let beatAtMs = clock.elapsed();
  const posts: Announcement[] = [];
  const edits: Announcement[] = [];
  /** Set these to change the world. */
  const world = {
    freeBytes: 100e9,
    usedMemoryBytes: 1e9,
    channelProblem: undefined as Error | undefined,
    /** Discord takes until then to answer an edit. */
    edited: Promise.resolve(),
    readsContent: true,
    channels: [] as HistoryChannel[],
    /** Discord takes so long for each answer. */
    discordPauseMs: 0,
    onDiscord: new Map<Snowflake, ArchivedRecord[]>(),
  };

  const indexingServices = createIndexingServices({
    stores: {
      ...opened,
      owners: {
        ...opened.owners,
        async beat(heartbeat, now, durationMs) {
          const beat = await opened.owners.beat(heartbeat, now, durationMs);
          beatAtMs = clock.elapsed();
          return beat;
        },
      },
    },
    settings: {
      ...defaultSettings,
      thresholds: { ...defaultSettings.thresholds, ...options.thresholds },
      budget: options.budget,
      ...(options.command !== undefined && { command: options.command }),
      ...(options.textRecipe && { textRecipe: options.textRecipe }),
      ...(options.keepDeletedHours !== undefined && { keepDeletedHours: options.keepDeletedHours }),
      reindexByItself: options.reindexByItself,
      keepOldIndexDays: options.keepOldIndexDays,
      forgetOnLeave: options.forgetOnLeave ?? false,
    },
    embedder: counted,
    clock,
    logger,
    find,
    holder: options.holder ?? "setup",
    system: {
      memory: async () => ({ usedBytes: world.usedMemoryBytes, limitBytes: 8e9 }),
      disk: async () => ({ freeBytes: world.freeBytes, totalBytes: 500e9 }),
      volume: async () => "not-known",
      cpuLoad: () => 0.1,
    },
    discord: {
      rechecking: undefined,
      gaps: undefined,
      hostProblems: undefined,
      time: undefined,
      history: {
        channels: async () => world.channels,
        async messages({ id }, range, signal) {
          if (world.discordPauseMs > 0) await clock.sleep(world.discordPauseMs, signal);
          signal?.throwIfAborted();
          const all = world.onDiscord.get(id) ?? [];
          if ("before" in range) return all.filter((each) => BigInt(each.id) < BigInt(range.before)).slice(0, 100);
          return all
            .filter((each) => BigInt(each.id) > BigInt(range.after))
            .reverse()
            .slice(0, 100);
        },
        canReadContent: async () => world.readsContent,
      },
      adminChannel: {
        async post(_channelId, content) {
          if (world.channelProblem !== undefined) throw world.channelProblem;
          posts.push(content);
          return String(1_000 + posts.length);
        },
        async edit(_channelId, _messageId, content) {
          if (world.channelProblem !== undefined) throw world.channelProblem;
          await world.edited;
          edits.push(content);
          return true;
        },
      },
    },
  });
  const { queue, foreground, breaker, ownership, indexes, live, engine, erasure } = indexingServices;

  async function find(guildId: Snowflake, words: string, limit: number): Promise<Snowflake[]> {
    const { index } = await indexes.open(guildId);
    const [vector] = await breaker.guard(() => queue.embed([words], { use: "query", priority: "search" }));
    if (vector === undefined) return [];
    const accessChannelIds = await everyChannel();
    return (await nearest(index, vector, { accessChannelIds }, limit)).map(({ id }) => id);
  }

  async function everyChannel(): Promise<Snowflake[]> {
    const known = (await archive.channels(GUILD)).map(({ id }) => id);
    return [...new Set([...known, ...Array.from({ length: 20 }, (_, n) => String(10 + n))])];
  }

  if (options.claim !== false) await ownership.claim(GUILD);

  let stopping: Promise<void> | undefined;
  const status = async () => (await runStore.load(GUILD))?.value.status;
  return {
    folder,
    clock,
    log,
    opened,
    archive,
    runStore,
    server,
    embedder,
    store,
    queue,
    foreground,
    breaker,
    ownership,
    indexes,
    erasure,
    live,
    engine,
    posts,
    edits,
    world,
    find,
    /** The stored run's. */
    status,
    /** Resolves when what has become ours has been looked at. */
    async considered() {
      await indexingServices.takenUp();
      await indexingServices.compared();
      await engine.considered();
    },
    async run(): Promise<Run> {
      const stored = await runStore.load(GUILD);
      if (stored === undefined) throw new Error("there is no run");
      return stored.value;
    },
    /** Time jumps, in steps that let the lease be renewed on the way. */
    async pass(ms: number, stepMs = 4_000): Promise<void> {
      for (let left = ms; left > 0; left -= stepMs) {
        clock.skip(Math.min(left, stepMs));
        await until(() => ownership.mayCommit(GUILD), "the lease is renewed");
      }
    },
    /** Cooldowns, probes and retries pass quickly while the work is done. */
    async impatiently<Result>(work: () => Promise<Result>, stepMs = IMPATIENT_MS): Promise<Result> {
      const impatient = setInterval(() => {
        // Minutes must not pass while a real server works for some milliseconds: it would count as one that does not answer.
        if (stepMs > IMPATIENT_MS && atTheServer > 0 && options.embedder === undefined) return;
        // Nor before the lease is renewed: what is being written would be refused, again and again.
        if (stepMs > IMPATIENT_MS && ownership.mayCommit(GUILD) && clock.elapsed() - beatAtMs > RENEW_EVERY_MS) return;
        if (ownership.mayCommit(GUILD) || ownership.lease(GUILD) === undefined) clock.skip(stepMs);
      }, 20);
      try {
        return await work();
      } finally {
        clearInterval(impatient);
      }
    },
    async start(given: Partial<StartOptions> = {}): Promise<StartOutcome> {
      // The pre-flight measures the embedder for half a second: that much is skipped.
      const ticking = setInterval(() => clock.skip(100), 10);
      try {
        return await engine.start(GUILD, { pace: "full", adminChannelId: ADMIN_CHANNEL, startedBy: "1", ...given });
      } finally {
        clearInterval(ticking);
      }
    },
    /** Waits until the run has settled, however it ended, and nobody works on it any more. */
    async settled(deadlineMs = 20_000): Promise<Run> {
      await until(
        async () => ["succeeded", "failed", "paused", "interrupted", "cancelled"].includes((await status()) ?? ""),
        "the run settles",
        deadlineMs,
      );
      // The report comes after the status.
      await engine.done(GUILD);
      return this.run();
    },
    /** What a restart must leave alike: every row, without who wrote it. */
    async rows(): Promise<Map<string, object>> {
      return snapshot((await indexes.open(GUILD)).index);
    },
    /** Ids whose full-text or own text holds the word. */
    async matching(word: string): Promise<Snowflake[]> {
      const { index } = await indexes.open(GUILD);
      return (await matching(index, word, { accessChannelIds: await everyChannel() }, 50)).map(({ id }) => id);
    },
    /** As a process that ends in good order. */
    stop() {
      stopping ??= stopInOrder();
      return stopping;
    },
    async close() {
      await this.stop();
      if (options.server === undefined) await server?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };

  async function stopInOrder(): Promise<void> {
    await indexingServices.stop();
    if (options.embedder === undefined) await embedder.close();
    await opened.close();
  }
}

export const startServer = () => startEmbeddingServer({ dimensions: DIMENSIONS });

function embedderOf(baseUrl: string | undefined, options: SetupOptions): Embedder {
  if (baseUrl === undefined) throw new Error("an embedder needs its server");
  const { modelId, dimensions } = options.served ?? { modelId: "test-embed", dimensions: DIMENSIONS };
  return createOpenAiEmbedder(
    {
      baseUrl,
      model: modelId,
      requestTimeoutMs: options.requestTimeoutMs ?? 5_000,
      ...(options.textsPerRequest === undefined ? {} : { textsPerRequest: options.textsPerRequest }),
      ...(options.dollarsPerMillion === undefined ? {} : { dollarsPerMillion: options.dollarsPerMillion }),
    },
    { modelId, answersAs: modelId, dimensions },
  );
}

function recordingLogger(log: { level: string; event: string; fields?: Record<string, unknown> }[]): Logger {
  const at = (level: string) => (event: string, fields?: Record<string, unknown>) => {
    log.push(fields === undefined ? { level, event } : { level, event, fields });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** All rows by id and chunk, but for the run that wrote them. */
export async function snapshot(index: VectorIndex): Promise<Map<string, object>> {
  const found = new Map<string, object>();
  for (const kind of ["message", "note"] as const satisfies readonly RecordKind[]) {
    const keys = await index.keys(kind, EVERYTHING, 1_000_000);
    const rows = await index.rows([...new Set(keys.map(({ id }) => id))]);
    for (const { vector, runId: _, ...row } of rows) {
      const key = `${kind}/${row.id}/${row.chunk}`;
      const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
      found.set(found.has(key) ? `${key}/duplicate` : key, { ...row, vector: bytes });
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
