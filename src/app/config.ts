// The environment as a checked Config, read once. Every problem is listed, then it fails. No other file reads process.env.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import type { GenerationSettings } from "../backfill/lifecycle/generation-change.ts";
import type { AlertThresholds } from "../backfill/run/alerts.ts";
import { UserError } from "../errors.ts";
import { KEEP_DELETED_HOURS } from "../indexing/guild-index/erasure.ts";
import { nearestName } from "./did-you-mean.ts";
import { type EmbeddingServer, embeddingsOf, embeddingsSettings } from "./embeddings-settings.ts";
import { decimal, percentage, positive, seconds, text, trimmed, url } from "./setting-types.ts";
import { INDEX_CACHE_MB, type StoresConfig } from "./stores-config.ts";

/** Where /health and /metrics are served. */
export interface HealthPort {
  readonly port: number;
  readonly host: string;
}

export interface Config extends StoresConfig, GenerationSettings {
  readonly discordToken: string;
  /** Another address for Discord's REST API, e.g. of the local stand-in. */
  readonly discordApi: string | undefined;
  /** Undefined: no port is opened. */
  readonly healthPort: HealthPort | undefined;
  /** So many processes, one for each of Discord's shards. Undefined: this process has all of them. */
  readonly shardProcesses: number | "auto" | undefined;
  /** Which shard this process is for, when it was started as one of several. */
  readonly shard: number | undefined;
  /** Undefined: the built-in model. */
  readonly embeddings: EmbeddingServer | undefined;
  readonly commandPrefix: string;
  /** Infinity: for ever. */
  readonly keepLeftDays: number;
  readonly keepUnreadableDays: number;
  /** How long what was deleted may linger in files. */
  readonly keepDeletedHours: number;
  readonly log: LogLevel;
  readonly thresholds: AlertThresholds;
}

/** What does not need Discord. */
export type LocalConfig = Omit<Config, "discordToken" | "discordApi" | "healthPort" | "shardProcesses" | "shard">;

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

const bucket = trimmed
  .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]*[a-z0-9](\/[\w.-]+)*\/?$/i, "must look like s3://bucket/folder")
  .transform((uri) => uri.replace(/\/$/, ""));
const yesNo = trimmed
  .toLowerCase()
  .pipe(z.enum(["yes", "no", "true", "false"], "must be yes or no"))
  .transform((answer) => answer === "yes" || answer === "true");

const days = trimmed
  .toLowerCase()
  .regex(/^(forever|\d+(\.\d+)?)$/, "must be a number of days, or forever")
  .transform((asked) => (asked === "forever" ? Number.POSITIVE_INFINITY : Number(asked)))
  .refine((asked) => asked <= 36_500 || asked === Number.POSITIVE_INFINITY, "must be at most 36500, or forever");

/** Where archive and index are kept. */
const storeSettings = {
  DATA_DIR: text.default("./data"),
  KV_URL: url("http://localhost:4512").optional(),
  KV_ACCESS_TOKEN: text.optional(),
  INDEX_URI: bucket.optional(),
  INDEX_S3_ENDPOINT: trimmed
    .regex(/^https?:\/\/[^\s/]+\/?$/i, "must be an address like http://localhost:9000")
    .transform((endpoint) => endpoint.replace(/\/$/, ""))
    .optional(),
  INDEX_S3_REGION: text.optional(),
  INDEX_S3_ACCESS_KEY: text.optional(),
  INDEX_S3_SECRET_KEY: text.optional(),
  INDEX_CACHE_MB: decimal("a number of megabytes", { most: 1e8 }).default(INDEX_CACHE_MB),
};

/** Every setting there is. The table of docs/configuration.md says the same in words. */
const settings = {
  ...storeSettings,
  ...embeddingsSettings,
  COMMAND_PREFIX: trimmed
    .regex(/^[a-z0-9_-]{0,16}$/, "must be up to 16 lower-case letters, digits, - or _")
    .default(""),
  KEEP_LEFT_DAYS: days.optional(),
  KEEP_UNREADABLE_DAYS: days.default(30),
  FORGET_ON_LEAVE: yesNo.default(false),
  KEEP_DELETED_HOURS: decimal("a number of hours", { most: 876_000 }).default(KEEP_DELETED_HOURS),
  KEEP_OLD_INDEX_DAYS: decimal("a number of days", { most: 36_500 }).default(7),
  REINDEX_BY_ITSELF: yesNo.default(true),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(", ")}`).default("info"),
  ALERT_SLOW_SECONDS: seconds().default(5),
  ALERT_FAILURE_PERCENT: percentage().default(5),
  ALERT_DISK_LOW_GB: decimal("a number of gigabytes", { most: 1e6 }).default(10),
  ALERT_MEMORY_PERCENT: percentage().default(90),
  ALERT_STALLED_MINUTES: positive("a number of minutes", { most: 10_080 }).default(5),
};
const botSettings = {
  DISCORD_TOKEN: z
    .string("is missing: copy the bot's token from discord.com/developers (Bot, Reset Token)")
    .trim()
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, "does not look like a bot token (three parts with dots between)"),
  DISCORD_API: url("http://localhost:8080/api").optional(),
  SHARD_PROCESSES: trimmed
    .regex(/^(auto|[1-9]\d{0,2})$/, "must be auto, or the number of processes")
    .transform((asked) => (asked === "auto" ? asked : Number(asked)))
    .optional(),
  HEALTH_PORT: trimmed
    .regex(/^\d{1,5}$/, "must be a port number, e.g. 9464")
    .transform(Number)
    .refine((port) => port < 65_536, "must be a port number, at most 65535")
    .optional(),
  HEALTH_HOST: text.default("127.0.0.1"),
};

/** Set by discord.js for each process that it starts. */
const shardSettings = { SHARDING_MANAGER: z.string().optional(), SHARDS: z.string().optional() };

const localSchema = z.object(settings);
const botSchema = localSchema.extend({ ...botSettings, ...shardSettings });
const storesSchema = z.object(storeSettings);
const names = Object.keys({ ...settings, ...botSettings });

/** Opens the stores to see whether they can be used. @returns what is wrong, in words a self-hoster can act on */
export type TryStores = (stores: StoresConfig) => Promise<readonly string[]>;
/** For whoever opens them at once and says so himself. */
const untried: TryStores = async () => [];

/** Empty values count as not set, as in an `.env` file copied from the example. */
function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""));
}

/** Settings that are needed because of others. */
const needs = {
  KV_ACCESS_TOKEN: ["KV_URL"],
  KV_URL: ["KV_ACCESS_TOKEN"],
  INDEX_S3_ACCESS_KEY: ["INDEX_URI"],
  INDEX_S3_SECRET_KEY: ["INDEX_URI"],
  INDEX_URI: ["INDEX_S3_ACCESS_KEY", "INDEX_S3_SECRET_KEY", "INDEX_S3_ENDPOINT", "INDEX_S3_REGION"],
  EMBEDDINGS_URL: ["EMBEDDINGS_MODEL", "EMBEDDINGS_API_KEY", "EMBEDDINGS_DIMENSIONS", "EMBEDDINGS_BUDGET"],
} as const satisfies Partial<Record<keyof typeof settings, readonly (keyof typeof settings)[]>>;

function lacking(schema: z.ZodObject, given: Environment): string[] {
  return Object.entries(needs)
    .filter(([name]) => name in schema.shape)
    .filter(([name, because]) => given[name] === undefined && because.some((other) => given[other] !== undefined))
    .map(([name, because]) => `${name} is missing: ${because.find((other) => given[other] !== undefined)} needs it`);
}

/** Names that look like settings and are none. Of one that is set itself, another program may have what is nearly its name. */
function misnamed(given: Environment): string[] {
  const unset = names.filter((name) => given[name] === undefined);
  return Object.keys(given).flatMap((name) => {
    if (names.includes(name) || !/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return [];
    const meant = nearestName(name, unset);
    if (meant !== undefined) return [`${name} is not a setting: did you mean ${meant}?`];
    return name.startsWith("EMBEDDINGS_") ? [`${name} is not a setting`] : [];
  });
}

async function read<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
  tryStores: TryStores,
): Promise<z.infer<Schema>> {
  const given = withoutEmpty(environment);
  const parsed = schema.safeParse(given);
  const invalid = parsed.error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];
  const problems = [...invalid, ...lacking(schema, given), ...misnamed(given)];
  const stores = storesSchema.safeParse(given);
  if (stores.success && lacking(storesSchema, given).length === 0)
    problems.push(...(await tryStores(storesOf(stores.data))));
  if (parsed.success && problems.length === 0) return parsed.data;
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  throw new UserError(
    `The configuration has ${count}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}\nSettings are read from the environment and from .env; .env.example lists them all.`,
  );
}

function storesOf(values: z.infer<typeof storesSchema>): StoresConfig {
  const { KV_URL: url, KV_ACCESS_TOKEN: accessToken } = values;
  const { INDEX_URI: uri, INDEX_S3_ACCESS_KEY: accessKey, INDEX_S3_SECRET_KEY: secretKey } = values;
  const { INDEX_S3_ENDPOINT: endpoint, INDEX_S3_REGION: region, INDEX_CACHE_MB: cacheMegabytes } = values;
  const hasKeys = accessKey !== undefined && secretKey !== undefined;
  return {
    dataDir: values.DATA_DIR,
    archive: url !== undefined && accessToken !== undefined ? { url, accessToken } : undefined,
    index: uri !== undefined && hasKeys ? { uri, accessKey, secretKey, endpoint, region, cacheMegabytes } : undefined,
  };
}

function settingsOf(values: z.infer<typeof localSchema>): LocalConfig {
  return {
    ...storesOf(values),
    embeddings: embeddingsOf(values),
    commandPrefix: values.COMMAND_PREFIX,
    keepLeftDays: values.KEEP_LEFT_DAYS ?? (values.FORGET_ON_LEAVE ? 0 : 30),
    keepUnreadableDays: values.KEEP_UNREADABLE_DAYS,
    keepDeletedHours: values.KEEP_DELETED_HOURS,
    keepOldIndexDays: values.KEEP_OLD_INDEX_DAYS,
    reindexByItself: values.REINDEX_BY_ITSELF,
    log: values.LOG_LEVEL,
    thresholds: {
      slowEmbeddingMs: values.ALERT_SLOW_SECONDS * 1000,
      failureRate: values.ALERT_FAILURE_PERCENT / 100,
      diskLowBytes: values.ALERT_DISK_LOW_GB * 1e9,
      memoryHigh: values.ALERT_MEMORY_PERCENT / 100,
      stalledMs: values.ALERT_STALLED_MINUTES * 60_000,
    },
  };
}

/** As package.json's `engines`, which npm only warns about. */
function isSupported(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.slice(1).split(".").map(Number);
  return major >= 24 || (major === 22 && minor >= 18);
}

/**
 * The process's environment, with `.env` of the working folder under it.
 * @throws UserError when that cannot be read, or Node is too old
 */
export function environment(): Environment {
  if (!isSupported(process.version)) {
    throw new UserError(`Backscroll needs Node 24 or newer, or 22 from 22.18 on. This is ${process.version}.`);
  }
  if (!existsSync(".env")) return process.env;
  try {
    process.loadEnvFile(".env");
  } catch (cause) {
    const problem = "cannot be read. Check that it is a file, and that this user may read it.";
    throw new UserError(`${resolve(".env")} ${problem}`, { cause });
  }
  return process.env;
}

/** Everything the stand-alone bot needs. @throws UserError listing every problem */
export async function readConfig(tryStores = untried, from: Environment = environment()): Promise<Config> {
  const values = await read(botSchema, from, tryStores);
  const shard = values.SHARDING_MANAGER === undefined ? undefined : Number(values.SHARDS);
  // Each process has a port of its own.
  const port = values.HEALTH_PORT === undefined ? undefined : values.HEALTH_PORT + (shard ?? 0);
  return {
    discordToken: values.DISCORD_TOKEN,
    discordApi: values.DISCORD_API,
    healthPort: port === undefined ? undefined : { port, host: values.HEALTH_HOST },
    shardProcesses: values.SHARD_PROCESSES,
    shard,
    ...settingsOf(values),
  };
}

/** Only where archive and index are kept. @throws UserError listing every problem */
export async function readStores(from: Environment = environment()): Promise<StoresConfig> {
  return storesOf(await read(storesSchema, from, untried));
}

/** The same without Discord, for tools that only touch the stores. @throws UserError listing every problem */
export async function readLocalConfig(from: Environment = environment()): Promise<LocalConfig> {
  return settingsOf(await read(localSchema, from, untried));
}
