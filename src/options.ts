// What a host gives to `attachBackscroll` and what it gets. Types only.

import type { RESTPostAPIApplicationCommandsJSONBody } from "discord.js";
import type { HealthPort, LogLevel } from "./app/config.ts";
import type { EmbeddingServer } from "./app/embeddings-settings.ts";
import type { StoresConfig } from "./app/stores-config.ts";
import type { GenerationSettings } from "./backfill/lifecycle/generation-change.ts";
import type { BackfillStatus } from "./backfill/reporting/announcements.ts";
import type { AlertThresholds } from "./backfill/run/alerts.ts";
import type { Clock } from "./ports/clock.ts";
import type { Logger } from "./ports/logger.ts";
import type { Snowflake } from "./snowflake.ts";

/**
 * A Client of discord.js 14. Told by what it has rather than by its class, because CommonJS and ES modules each have a declaration of
 * that class, and TypeScript takes neither for the other.
 */
export interface DiscordClient {
  readonly token: string | null;
  readonly options: object;
  readonly ws: object;
  readonly rest: object;
  readonly guilds: object;
  isReady(): boolean;
  login(token?: string): Promise<string>;
}

export interface BackscrollOptions extends StoresConfig, GenerationSettings {
  /** A folder for the archive and the index, unless they are remote; made if it does not exist. The same for all of a sharded bot. */
  readonly dataDir: string;
  /** An OpenAI-compatible embedding server. Left out: the built-in model. */
  readonly embeddings?: EmbeddingServer | undefined;
  /** Put before each command's name, for a bot that has, say, a `search` of its own. */
  readonly commandPrefix?: string;
  /** Default true: our commands are added to the application, one by one, and put back when they go; the host's are left alone. */
  readonly registerCommands?: boolean;
  /** Default false: what has the name of one of our commands and is not ours stays, and ours is not there. True: ours replaces it. */
  readonly replaceCommands?: boolean;
  /** How long what is stored of a server that the bot has left is kept. Default 30; 0: not at all; Infinity: for ever. */
  readonly keepLeftDays?: number;
  /** How long what is stored of channels that the bot can no longer read is kept. Default 30; Infinity: for ever. */
  readonly keepUnreadableDays?: number;
  /** The same as `keepLeftDays: 0`. */
  readonly forgetOnLeave?: boolean;
  /** How long what was deleted may linger in the files of archive and index. Default 24. */
  readonly keepDeletedHours?: number;
  readonly thresholds?: Partial<AlertThresholds>;
  /** Serves /health and /metrics (Prometheus) over HTTP. Left out: no port is opened. */
  readonly healthPort?: HealthPort | undefined;
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
  /** @throws UserError before `ready` and after `stop` */
  status(guildId: Snowflake): Promise<BackfillStatus>;
  /** Resolves when everything heard until now is handled, and nothing is under way in live indexing, of all guilds. */
  idle(): Promise<void>;
  /**
   * Takes everything off the client, stores what is in flight and closes the stores; the client stays as it is. Safe to repeat.
   * @param options `unregister`: also takes our commands off Discord, for which the client must still be logged in
   * @throws UserError, TransientError when everything else is done, and the commands could not be taken off Discord
   */
  stop(options?: { readonly unregister?: boolean }): Promise<void>;
}
