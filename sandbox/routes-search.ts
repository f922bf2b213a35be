// REST: Discord's own search of a guild's messages, which bots may ask, too.

import { compareSnowflakes, type Snowflake } from "../src/snowflake.ts";
import type { Message } from "./model.ts";
import { canReadHistory } from "./permissions.ts";
import { type RenderContext, renderMessage, withoutContent } from "./render-message.ts";
import { knownGuild, queryNumber, type RestAnswer, type RestRequest, type Route } from "./routes.ts";

/** https://discord.com/developers/docs/topics/opcodes-and-status-codes#json: "Index not yet available. Try again later" */
const NOT_READY = 110_000;
const RETRY_AFTER_S = 1;

export function createSearchRoutes(context: RenderContext): Route[] {
  const { state } = context;

  const show = (message: Message) => {
    const shown = renderMessage(context, message);
    return state.privilegedIntents.messageContent ? shown : withoutContent(shown, state.bot.id);
  };

  function search(request: RestRequest): RestAnswer {
    const guild = knownGuild(state, request.param("guild_id"));
    const limit = queryNumber(request, "limit", 25, 1, 25);
    const offset = queryNumber(request, "offset", 0, 0, 9_975);
    const notReady = state.searchNotReady.get(guild.id) ?? 0;
    if (notReady > 0) {
      state.searchNotReady.set(guild.id, notReady - 1);
      const message = "Index not yet available. Try again later";
      return { status: 202, body: { message, code: NOT_READY, documents_indexed: 0, retry_after: RETRY_AFTER_S } };
    }
    const channelIds = request.query.getAll("channel_id");
    const authorIds = request.query.getAll("author_id");
    const content = request.query.get("content")?.toLowerCase();
    const isOlder = (id: Snowflake, bound: string | null) => bound === null || compareSnowflakes(id, bound) < 0;
    const isNewer = (id: Snowflake, bound: string | null) => bound === null || compareSnowflakes(id, bound) > 0;
    // Only what the bot can read: the other channels are as if they were not there.
    const found = [...guild.channels.values()]
      .filter((channel) => canReadHistory(guild, channel, state.bot.id))
      .filter(({ id }) => channelIds.length === 0 || channelIds.includes(id))
      .flatMap(({ messages }) => messages.all())
      .filter(({ id }) => isOlder(id, request.query.get("max_id")) && isNewer(id, request.query.get("min_id")))
      .filter(({ authorId }) => authorIds.length === 0 || authorIds.includes(authorId))
      .filter((message) => content === undefined || message.content.toLowerCase().includes(content))
      .sort((a, b) => compareSnowflakes(b.id, a.id));
    if (request.query.get("sort_order") === "asc") found.reverse();
    return {
      status: 200,
      body: {
        messages: found.slice(offset, offset + limit).map((message) => [{ ...show(message), hit: true }]),
        doing_deep_historical_index: false,
        total_results: found.length,
      },
    };
  }

  return [{ method: "GET", path: "/guilds/{guild_id}/messages/search", handle: search }];
}
