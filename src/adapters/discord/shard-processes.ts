// One process for each of Discord's shards, kept alive: what `SHARD_PROCESSES` asks for. Only starts and stops them; which guilds each
// looks after follows from its shard, and that no two look after the same one from the leases in the archive.

import { once } from "node:events";
import { REST, type RESTGetAPIGatewayBotResult, Routes, type Shard, ShardingManager } from "discord.js";
import { toError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

/** Discord lets so many shards as it says identify within this time. */
const IDENTIFY_MS = 5_500;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** One that lived this long did not fail at its start. */
const HEALTHY_MS = 60_000;

export interface ShardProcesses {
  /** Asks all of them to stop; resolves when they have. */
  stop(): Promise<void>;
}

export interface ShardProcessesOptions {
  readonly token: string;
  /** Another address for Discord's REST API. */
  readonly api: string | undefined;
  /** "auto": as many as Discord recommends. */
  readonly count: number | "auto";
  /** The program to run; it inherits the environment and Node's options. */
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Begins to start them, one after the other. @throws DiscordAPIError when Discord does not accept the token */
export async function startShardProcesses(options: ShardProcessesOptions): Promise<ShardProcesses> {
  const { token, api, file, clock, logger } = options;
  const rest = new REST(api === undefined ? {} : { api }).setToken(token);
  const gateway = (await rest.get(Routes.gatewayBot())) as RESTGetAPIGatewayBotResult;
  const count = options.count === "auto" ? gateway.shards : options.count;
  // It would start one that dies at once again and again, and Discord counts each start.
  const manager = new ShardingManager(file, { totalShards: count, token, respawn: false, execArgv: process.execArgv });
  const stopped = new AbortController();

  manager.on("shardCreate", (shard) => {
    let pauseMs = FIRST_PAUSE_MS;
    let startedAt = clock.elapsed();
    shard.on("spawn", () => {
      startedAt = clock.elapsed();
      logger.info("shard:started", { shard: shard.id, child: pidOf(shard) });
    });
    shard.on("death", () => {
      if (stopped.signal.aborted) return;
      if (clock.elapsed() - startedAt > HEALTHY_MS) pauseMs = FIRST_PAUSE_MS;
      logger.error("shard:died", { shard: shard.id, againInMs: pauseMs });
      void clock.sleep(pauseMs, stopped.signal).then(() => {
        if (!stopped.signal.aborted) return shard.spawn(-1);
      });
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    });
  });
  logger.info("shards:starting", { shards: count });
  const delay = Math.ceil(IDENTIFY_MS / gateway.session_start_limit.max_concurrency);
  const spawning = manager.spawn({ delay, timeout: -1 }).catch((thrown: unknown) => {
    logger.error("shards:failed", { error: toError(thrown).message });
  });

  return {
    async stop() {
      stopped.abort();
      await Promise.all([...manager.shards.values()].map(stopShard));
      await spawning;
      // Those that were started meanwhile.
      await Promise.all([...manager.shards.values()].map(stopShard));
    },
  };
}

const pidOf = ({ process: child }: Shard) => (child && "pid" in child ? child.pid : undefined);

async function stopShard({ process: child }: Shard): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null || !("kill" in child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
