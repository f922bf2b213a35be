// The stand-in's one mutable state: users, guilds, commands, interactions, their ids, and the feed that tells of every change.

import { randomBytes } from "node:crypto";
import { type Snowflake, snowflakeAt, snowflakeTime } from "../src/snowflake.ts";
import type { Channel, Command, Guild, Interaction, Message, User, WorldEvent } from "./model.ts";

export interface WorldOptions {
  /** The world's time in milliseconds since 1970: ids, ages of messages, deadlines of interactions. Default: Date.now. */
  readonly now?: () => number;
  /** The application's and its bot's name. */
  readonly botName?: string;
  /** Privileged intents the application may use. Default: all three. */
  readonly privilegedIntents?: {
    readonly guildMembers?: boolean;
    readonly messageContent?: boolean;
    readonly presences?: boolean;
  };
}

export interface State {
  readonly now: () => number;
  readonly bot: User;
  /** Same id as the bot's user, as for every application made since 2016. */
  readonly applicationId: Snowflake;
  /** The person the application belongs to. */
  readonly owner: User;
  readonly privilegedIntents: {
    readonly guildMembers: boolean;
    readonly messageContent: boolean;
    readonly presences: boolean;
  };
  readonly users: Map<Snowflake, User>;
  readonly guilds: Map<Snowflake, Guild>;
  readonly commands: Map<Snowflake, Command>;
  /** By token. */
  readonly interactions: Map<string, Interaction>;
  /** Discord still makes its own search index of the guild: so many requests more are told to come back. */
  readonly searchNotReady: Map<Snowflake, number>;
  readonly ephemeralMessages: Map<Snowflake, Message>;
  /** A new id, later than all before it at the same world time. */
  nextId(): Snowflake;
  /** An id made at a given time, distinct from all others this world made. */
  idAt(timeMs: number): Snowflake;
  newToken(): string;
  emit(event: WorldEvent): void;
  /** Calls the listener on every change until the returned function is called. */
  subscribe(listener: (event: WorldEvent) => void): () => void;
}

export function createState(options: WorldOptions = {}): State {
  const now = options.now ?? Date.now;
  const listeners = new Set<(event: WorldEvent) => void>();
  let increment = 0n;

  function idAt(timeMs: number): Snowflake {
    // The upper half of the counter, so that these never meet the ids of nextId.
    increment = ((increment + 1n) & 0x1f_ffffn) | 0x20_0000n;
    return (BigInt(snowflakeAt(timeMs)) + increment).toString();
  }

  let lastId = 0n;
  function nextId(): Snowflake {
    const id = BigInt(snowflakeAt(now()));
    lastId = id > lastId ? id : lastId + 1n;
    return lastId.toString();
  }

  const bot: User = { id: nextId(), username: options.botName ?? "backscroll", globalName: null, bot: true };
  const owner: User = { id: nextId(), username: "owner", globalName: "Owner", bot: false };
  const privileged = options.privilegedIntents ?? {};

  return {
    now,
    bot,
    applicationId: bot.id,
    owner,
    privilegedIntents: {
      guildMembers: privileged.guildMembers ?? true,
      messageContent: privileged.messageContent ?? true,
      presences: privileged.presences ?? true,
    },
    users: new Map([bot, owner].map((user) => [user.id, user])),
    guilds: new Map(),
    commands: new Map(),
    interactions: new Map(),
    ephemeralMessages: new Map(),
    searchNotReady: new Map(),
    nextId,
    idAt,
    newToken: () => randomBytes(48).toString("base64url"),
    emit(event) {
      for (const listener of [...listeners]) listener(event);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function findChannel(state: State, channelId: Snowflake): { guild: Guild; channel: Channel } | undefined {
  for (const guild of state.guilds.values()) {
    const channel = guild.channels.get(channelId);
    if (channel) return { guild, channel };
  }
  return undefined;
}

/** @throws Error when it does not exist; for the driver, where that is a mistake of the caller */
export function getChannel(state: State, channelId: Snowflake): { guild: Guild; channel: Channel } {
  const found = findChannel(state, channelId);
  if (!found) throw new Error(`the stand-in has no channel ${channelId}`);
  return found;
}

/** @throws Error when it does not exist */
export function getGuild(state: State, guildId: Snowflake): Guild {
  const guild = state.guilds.get(guildId);
  if (!guild) throw new Error(`the stand-in has no guild ${guildId}`);
  return guild;
}

/** @throws Error when it does not exist */
export function getUser(state: State, userId: Snowflake): User {
  const user = state.users.get(userId);
  if (!user) throw new Error(`the stand-in has no user ${userId}`);
  return user;
}

/** Any message by id, ephemeral ones too. */
export function findMessage(state: State, messageId: Snowflake): Message | undefined {
  const ephemeral = state.ephemeralMessages.get(messageId);
  if (ephemeral) return ephemeral;
  for (const guild of state.guilds.values()) {
    for (const channel of guild.channels.values()) {
      const message = channel.messages.get(messageId);
      if (message) return message;
    }
  }
  return undefined;
}

/** @throws Error when it does not exist */
export function getMessage(state: State, messageId: Snowflake): Message {
  const message = findMessage(state, messageId);
  if (!message) throw new Error(`the stand-in has no message ${messageId}`);
  return message;
}

/** When a message, channel or guild was made, as an ISO date. */
export function isoTimeOf(id: Snowflake): string {
  return new Date(snowflakeTime(id)).toISOString();
}
