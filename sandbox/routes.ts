// What a REST route is, how a path finds its route, and what the bot must be allowed to do before a handler goes on.

import { PermissionFlagsBits } from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import type { AttachmentInput } from "./attachments.ts";
import { errors } from "./discord-error.ts";
import type { Channel, Guild, Message } from "./model.ts";
import { channelPermissions } from "./permissions.ts";
import { findChannel, type State } from "./state.ts";

export interface UploadedFile extends AttachmentInput {
  /** The n of `files[n]`; what `attachments[].id` refers to. */
  readonly index: number;
}

export interface RestRequest {
  /** A part of the path, e.g. `param("channel_id")`. */
  param(name: string): string;
  readonly query: URLSearchParams;
  /** The JSON body; `undefined` when there was none. */
  readonly body: unknown;
  readonly files: readonly UploadedFile[];
}

export interface RestAnswer {
  readonly status: number;
  readonly body?: unknown;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As the official API description writes it, e.g. "/channels/{channel_id}/messages". */
  readonly path: string;
  /** The token in the path authorizes, as for interactions. */
  readonly usesPathToken?: true;
  readonly handle: (request: RestRequest) => RestAnswer;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: PathParams;
}

/** The parts of a path by name; the named ones decide about rate-limit buckets. */
export interface PathParams {
  readonly channel_id?: string;
  readonly guild_id?: string;
  readonly webhook_id?: string;
  readonly webhook_token?: string;
  readonly [name: string]: string | undefined;
}

/** Finds the route of a path; literal parts go before parameters ("@me" before "{user_id}"). */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => RouteMatch | undefined {
  const compiled = routes
    .map((route) => ({ route, parts: route.path.split("/") }))
    .sort((a, b) => literals(b.parts) - literals(a.parts));
  return (method, path) => {
    // discord.js sends "%40original" and means "@original".
    const segments = path.split("/").map(decodeURIComponent);
    for (const { route, parts } of compiled) {
      if (route.method !== method || parts.length !== segments.length) continue;
      const params: Record<string, string> = {};
      const matches = parts.every((part, index) => {
        const segment = segments[index] ?? "";
        if (!part.startsWith("{")) return part === segment;
        params[part.slice(1, -1)] = segment;
        return true;
      });
      if (matches) return { route, params };
    }
    return undefined;
  };
}

function literals(parts: readonly string[]): number {
  return parts.filter((part) => !part.startsWith("{")).length;
}

export interface Place {
  readonly guild: Guild;
  readonly channel: Channel;
}

/** A channel the bot sees. @throws DiscordError 10003, 50001 */
export function visiblePlace(state: State, channelId: Snowflake): Place {
  const place = findChannel(state, channelId);
  if (!place) throw errors.unknownChannel();
  if (!botMay(state, place, PermissionFlagsBits.ViewChannel)) throw errors.missingAccess();
  return place;
}

export function botMay(state: State, { guild, channel }: Place, permissions: bigint): boolean {
  return (channelPermissions(guild, channel, state.bot.id) & permissions) === permissions;
}

/** @throws DiscordError 50013 */
export function requirePermission(state: State, place: Place, permissions: bigint): void {
  if (!botMay(state, place, permissions)) throw errors.missingPermissions();
}

/** @throws DiscordError 10008 */
export function messageIn({ channel }: Place, messageId: Snowflake): Message {
  const message = channel.messages.get(messageId);
  if (!message) throw errors.unknownMessage();
  return message;
}

/** A guild the bot is in. @throws DiscordError 10004 */
export function knownGuild(state: State, guildId: Snowflake): Guild {
  const guild = state.guilds.get(guildId);
  if (!guild) throw errors.unknownGuild();
  return guild;
}

/** A whole number from the query, within bounds. @throws DiscordError 50035 */
export function queryNumber(request: RestRequest, name: string, fallback: number, min: number, max: number): number {
  const text = request.query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw errors.invalidQuery(name, min, max);
  return value;
}
