// The stand-in's world as the driver holds it: the state, and everything members can do to it.

import type { APIMessage } from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import { createGuildActions, type GuildActions } from "./guilds.ts";
import { createInteractionActions, type InteractionActions } from "./interactions.ts";
import { createMessageActions, type MessageActions } from "./messages.ts";
import type { Message } from "./model.ts";
import type { RenderContext } from "./render-message.ts";
import { renderMessage } from "./render-message.ts";
import { findChannel, findMessage, getChannel, getGuild, getMessage, type State } from "./state.ts";
import { createThreadActions, type ThreadActions } from "./threads.ts";
import { waitFor } from "./waiting.ts";

export interface World extends GuildActions, ThreadActions, MessageActions, InteractionActions {
  readonly state: State;
  readonly bot: State["bot"];
  readonly owner: State["owner"];
  /** Calls the listener on every change, in order, until the returned function is called. */
  subscribe: State["subscribe"];
  /** A message as the API shows it. */
  render(message: Message): APIMessage;
  /** Resolves with the first truthy result of `check`, tried now and after every change. @throws Error after `timeoutMs` */
  waitFor<T>(what: string, check: () => T | undefined | null | false, timeoutMs?: number): Promise<T>;
  /** The newest message of a channel for which `check` is true, now or later. */
  waitForMessage(
    channelId: Snowflake,
    check?: (message: APIMessage) => boolean,
    timeoutMs?: number,
  ): Promise<APIMessage>;
  findChannel(channelId: Snowflake): ReturnType<typeof findChannel>;
  findMessage(messageId: Snowflake): Message | undefined;
  getChannel(channelId: Snowflake): ReturnType<typeof getChannel>;
  getGuild(guildId: Snowflake): ReturnType<typeof getGuild>;
  getMessage(messageId: Snowflake): Message;
}

export function createWorld(context: RenderContext): World {
  const { state } = context;
  const render = (message: Message) => renderMessage(context, message);
  return {
    state,
    bot: state.bot,
    owner: state.owner,
    subscribe: state.subscribe,
    render,
    waitFor: (what, check, timeoutMs) => waitFor(state, what, check, timeoutMs),
    waitForMessage(channelId, check = () => true, timeoutMs) {
      const { channel } = getChannel(state, channelId);
      const look = () => channel.messages.page(undefined, 100).map(render).find(check);
      return waitFor(state, `such message in #${channel.name}`, look, timeoutMs);
    },
    findChannel: (channelId) => findChannel(state, channelId),
    findMessage: (messageId) => findMessage(state, messageId),
    getChannel: (channelId) => getChannel(state, channelId),
    getGuild: (guildId) => getGuild(state, guildId),
    getMessage: (messageId) => getMessage(state, messageId),
    ...createGuildActions(state),
    ...createThreadActions(state),
    ...createMessageActions(state),
    ...createInteractionActions(context),
  };
}
