// What Prometheus can read of this process. Labels name servers by their ids, never channels, members or anything they wrote.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { RejectedInputError } from "../../errors.ts";
import type { Embedder } from "../../ports/embedder.ts";
import type { Snowflake } from "../../snowflake.ts";

/** How a guild stands at the moment. */
export interface GuildFigures {
  readonly guildId: Snowflake;
  /** Messages that arrived or changed and are not searchable yet. */
  readonly pending: number | undefined;
  /** Set aside: could not be made searchable. */
  readonly setAside: number | undefined;
  /** Names of the alerts that are on. */
  readonly alerts: readonly string[];
  /** The current or latest run. */
  readonly run?: {
    readonly status: string;
    /** By outcome: embedded, unchanged, skipped, quarantined, remaining. */
    readonly records: Readonly<Record<string, number>>;
    readonly recordsPerSecond: number;
  };
}

export interface Figures {
  /** Commands work: the gateway has been ready, and it is known which vectors there will be. */
  readonly ready: boolean;
  /** The gateway is connected now. */
  readonly connected: boolean;
  /** Servers the bot is in, as far as this process looks after them. */
  readonly guildCount: number;
  readonly guilds: readonly GuildFigures[];
  /** Of the embedding server, in this month; undefined where nothing is counted. */
  readonly spending:
    | { readonly tokens: number; readonly dollars?: number | undefined; readonly share?: number | undefined }
    | undefined;
  readonly diskFreeBytes: number;
  readonly memoryUsedBytes: number;
  readonly memoryLimitBytes: number;
}

export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly labels: readonly string[];
}

export interface Metrics {
  /** The same embedder, its requests counted and timed. @param isUp whether it has answered, before it is used here */
  measured(embedder: Embedder, isUp: boolean): Embedder;
  /** Times a search of a member. */
  timeSearch<Result>(search: () => Promise<Result>): Promise<Result>;
  /** An index's upkeep did not come to its end. */
  upkeepFailed(): void;
  /** Our own metrics, without those of Node. */
  list(): Promise<readonly MetricDescription[]>;
  /** Everything in Prometheus' text format. @throws whatever `look` throws */
  read(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** What prom-client's types leave out. */
interface Listed {
  readonly labelNames: readonly string[];
  get(): Promise<Pick<MetricDescription, "name" | "help" | "type">>;
}

/** @param look asked at each reading */
export function createMetrics(look: () => Promise<Figures>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `backscroll_${name}`, help, labelNames, registers });
  const ready = gauge("ready", "1 when commands work");
  const connected = gauge("discord_connected", "1 while the Discord gateway is connected");
  const guilds = gauge("guilds", "Servers the bot is in");
  const embedderUp = gauge("embedder_up", "1 when the embedding model answered the latest request");
  const pending = gauge("pending_messages", "Stored and not searchable yet", "guild");
  const setAside = gauge("set_aside_messages", "Could not be made searchable", "guild");
  const alert = gauge("alert_active", "1 while the warning is on", "guild", "alert");
  const runStatus = gauge("backfill_status", "1 for the status of the current or latest backfill", "guild", "status");
  const runRecords = gauge("backfill_messages", "Of the current or latest backfill, by outcome", "guild", "outcome");
  const runSpeed = gauge("backfill_messages_per_second", "Over the last minute; 0 when none is at work", "guild");
  const monthTokens = gauge(
    "month_tokens",
    "Used of the embedding server since the month began (UTC), by all processes",
  );
  const monthDollars = gauge("month_dollars", "The same, at the known price");
  const budgetShare = gauge("month_budget_ratio", "The same, as a share of the month's budget: 1 is all of it");
  const diskFree = gauge("disk_free_bytes", "Where the data folder is");
  const memoryUsed = gauge("memory_used_bytes", "Of the container, or of the machine");
  const memoryLimit = gauge("memory_limit_bytes", "Of the container, or of the machine");
  const perGuild = [pending, setAside, alert, runStatus, runRecords, runSpeed];

  const requestSeconds = new Histogram({
    name: "backscroll_embedding_request_seconds",
    help: "Requests to the embedding model, by use and outcome (answered, refused, unanswered)",
    labelNames: ["use", "outcome"] as const,
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 5, 10, 30, 60],
    registers,
  });
  const texts = new Counter({
    name: "backscroll_embedded_texts_total",
    help: "Texts turned into vectors",
    labelNames: ["use"] as const,
    registers,
  });
  const tokens = new Counter({
    name: "backscroll_embedded_tokens_total",
    help: "Tokens in these texts, as the server counted them",
    labelNames: ["use"] as const,
    registers,
  });
  const searchSeconds = new Histogram({
    name: "backscroll_search_seconds",
    help: "Searches of members, from the question to the results",
    buckets: [0.01, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 3, 10],
    registers,
  });

  const upkeepFailures = new Counter({
    name: "backscroll_upkeep_failed_total",
    help: "Times that putting a search index in order did not come to its end; it is tried again",
    registers,
  });

  function show(figures: Figures): void {
    ready.set(figures.ready ? 1 : 0);
    connected.set(figures.connected ? 1 : 0);
    guilds.set(figures.guildCount);
    // A figure that nobody knows is not 0.
    for (const each of [monthTokens, monthDollars, budgetShare]) each.remove();
    if (figures.spending !== undefined) {
      const { tokens: used, dollars, share } = figures.spending;
      monthTokens.set(used);
      if (dollars !== undefined) monthDollars.set(dollars);
      if (share !== undefined) budgetShare.set(share);
    }
    diskFree.set(figures.diskFreeBytes);
    memoryUsed.set(figures.memoryUsedBytes);
    memoryLimit.set(figures.memoryLimitBytes);
    // What has ended since the last reading must not stay.
    for (const each of perGuild) each.reset();
    for (const { guildId: guild, run, ...figure } of figures.guilds) {
      if (figure.pending !== undefined) pending.set({ guild }, figure.pending);
      if (figure.setAside !== undefined) setAside.set({ guild }, figure.setAside);
      for (const name of figure.alerts) alert.set({ guild, alert: name }, 1);
      if (run === undefined) continue;
      runStatus.set({ guild, status: run.status }, 1);
      runSpeed.set({ guild }, run.recordsPerSecond);
      for (const [outcome, amount] of Object.entries(run.records)) runRecords.set({ guild, outcome }, amount);
    }
  }

  return {
    measured: (embedder, isUp) => {
      embedderUp.set(isUp ? 1 : 0);
      return {
        get space() {
          return embedder.space;
        },
        get limits() {
          return embedder.limits;
        },
        ...(embedder.settings && { settings: embedder.settings }),
        dollarsPerMillion: embedder.dollarsPerMillion,
        sendsTextsTo: embedder.sendsTextsTo,
        close: () => embedder.close(),
        async embed(batch, use, signal, onReceipt) {
          const stop = requestSeconds.startTimer({ use });
          try {
            const vectors = await embedder.embed(batch, use, signal, (receipt) => {
              tokens.inc({ use }, receipt.tokens ?? 0);
              onReceipt?.(receipt);
            });
            stop({ outcome: "answered" });
            embedderUp.set(1);
            texts.inc({ use }, batch.length);
            return vectors;
          } catch (thrown) {
            const isRefused = thrown instanceof RejectedInputError;
            stop({ outcome: isRefused ? "refused" : "unanswered" });
            if (!signal?.aborted) embedderUp.set(isRefused ? 1 : 0);
            throw thrown;
          }
        },
      };
    },
    async timeSearch(search) {
      const stop = searchSeconds.startTimer();
      try {
        return await search();
      } finally {
        stop();
      }
    },
    upkeepFailed: () => upkeepFailures.inc(),
    async list() {
      const named = registry.getMetricsAsArray() as unknown as Listed[];
      const described = await Promise.all(
        named.map(async (metric) => ({ ...(await metric.get()), labels: metric.labelNames })),
      );
      return described
        .filter(({ name }) => name.startsWith("backscroll_"))
        .map(({ name, help, type, labels }) => ({ name, help, type, labels }));
    },
    async read() {
      show(await look());
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
