// Opens the archive and the index where the configuration says: in the data folder, or on remote engines.

import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type ArchiveLocation, makeFolder } from "../adapters/denokv/connect.ts";
import { type OpenArchive, openArchive } from "../adapters/denokv/open.ts";
import type { IndexLocation } from "../adapters/lancedb/location.ts";
import type { CacheOptions } from "../adapters/lancedb/object-cache/index.ts";
import { createIndexStore } from "../adapters/lancedb/store.ts";
import { type Run, runSchema } from "../backfill/run/run.ts";
import { TransientError, toError, UserError } from "../errors.ts";
import { KEEP_DELETED_HOURS } from "../indexing/guild-index/erasure.ts";
import type { Logger } from "../ports/logger.ts";
import type { RunStore } from "../ports/runs.ts";
import type { IndexStore } from "../ports/vector-index.ts";
import { INDEX_CACHE_MB, type StoresConfig } from "./stores-config.ts";

export interface Stores extends Omit<OpenArchive, "close" | "runStore"> {
  readonly runStore: RunStore<Run>;
  readonly indexStore: IndexStore;
  close(): Promise<void>;
}

/** What a deleted message leaves in files goes within this. */
interface Keeping {
  readonly keepDeletedHours?: number | undefined;
}

/** @throws UserError that says everything that is wrong with either */
export async function openStores(config: StoresConfig & Keeping, logger: Logger): Promise<Stores> {
  return await openWith(config, logger, await cacheOf(config, logger));
}

async function openWith(config: StoresConfig, logger: Logger, cache: CacheOptions | undefined): Promise<Stores> {
  // Small things lie there also where the stores are remote; it is no misfortune if they cannot.
  await makeFolder(resolve(config.dataDir)).catch((thrown: unknown) =>
    logger.warn("data-folder:not-made", { reason: toError(thrown).message }),
  );
  const [archive, index] = await Promise.allSettled([
    openArchiveOf(config, logger),
    createIndexStore(indexOf(config), { cache }),
  ]);
  if (archive.status === "fulfilled" && index.status === "fulfilled") {
    const [opened, indexStore] = [archive.value, index.value];
    return {
      ...opened,
      runStore: opened.runStore((value) => runSchema.parse(value)),
      indexStore,
      async close() {
        await indexStore.close();
        await opened.close();
      },
    };
  }
  const reasons: unknown[] = [];
  for (const outcome of [archive, index]) {
    if (outcome.status === "rejected") reasons.push(outcome.reason);
    else await outcome.value.close();
  }
  const unexpected = reasons.find((reason) => !(reason instanceof UserError || reason instanceof TransientError));
  if (unexpected !== undefined) throw unexpected;
  throw new UserError(reasons.map((reason) => toError(reason).message).join("\n"), { cause: reasons[0] });
}

/** The file or address, as people are told it. */
export function archiveLocation({ dataDir, archive }: StoresConfig): string {
  return archive?.url ?? join(dataDir, "archive.sqlite");
}

/** As `openArchive` takes it. */
export function archiveOf(config: StoresConfig): ArchiveLocation {
  const { accessToken } = config.archive ?? {};
  return { location: archiveLocation(config), ...(accessToken !== undefined && { accessToken }) };
}

export function openArchiveOf(config: StoresConfig, logger: Logger): Promise<OpenArchive> {
  return openArchive({ ...archiveOf(config), logger });
}

/**
 * Files of the index are replaced within half of what deleted messages may linger, and read no more soon after: a quarter is left for
 * what was read of them.
 */
const CACHE_SHARE = 1 / 4;
const HOUR_MS = 3_600_000;

/** @returns undefined where every read goes to the index itself: nothing of an earlier cache is left then */
async function cacheOf(config: StoresConfig & Keeping, logger: Logger): Promise<CacheOptions | undefined> {
  const folder = join(config.dataDir, "index-cache");
  const megabytes = config.index === undefined ? 0 : (config.index.cacheMegabytes ?? INDEX_CACHE_MB);
  if (megabytes > 0) {
    const keepMs = (config.keepDeletedHours ?? KEEP_DELETED_HOURS) * HOUR_MS * CACHE_SHARE;
    const onUnusable = (reason: string) => logger.warn("index-cache:not-opened", { reason });
    return { folder, maxBytes: megabytes * 1e6, keepMs, onUnusable };
  }
  await rm(folder, { recursive: true, force: true }).catch((thrown: unknown) =>
    logger.warn("index-cache:not-removed", { reason: toError(thrown).message }),
  );
  return undefined;
}

/** As `createIndexStore` takes it. */
export function indexOf({ dataDir, index }: StoresConfig): IndexLocation {
  return index ?? join(dataDir, "index");
}

/** Opens remote stores, writes a little, and closes them. @returns what is wrong, one line each */
export async function tryStores(config: StoresConfig): Promise<string[]> {
  if (config.archive === undefined && config.index === undefined) return [];
  try {
    await (await openWith(config, silent, undefined)).close();
    return [];
  } catch (thrown) {
    return toError(thrown).message.split("\n");
  }
}

/** What secrets a log must not show. */
export function secretsOf({ archive, index }: Partial<StoresConfig>): (string | undefined)[] {
  return [archive?.accessToken, index?.secretKey, index?.accessKey];
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
