// Posts and edits in a guild's admin channel, and says what is missing when it cannot.

import {
  type APIMessage,
  type Client,
  type RESTPatchAPIChannelMessageJSONBody,
  type RESTPostAPIChannelMessageJSONBody,
  Routes,
} from "discord.js";
import { PermissionFlagsBits as Bit } from "discord-api-types/v10";
import { UserError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { AdminChannel } from "../../ports/discord.ts";
import { type Snowflake, snowflakeTime } from "../../snowflake.ts";
import { DiscordCode, hasCode, translateDiscordError } from "./discord-errors.ts";
import { botMember, channelFacts, guildFacts } from "./guild-facts.ts";
import { memberPermissions, missing } from "./permission-rules.ts";

/**
 * Discord throttles edits of messages older than an hour (error 30046). It says so as a rate limit, which discord.js sits out, edits
 * of other messages in the channel waiting behind it; so such an edit is never tried. A minute is left for clocks that differ.
 */
const EDITABLE_FOR_MS = 59 * 60_000;

interface AdminFile {
  readonly name: string;
  readonly data: Uint8Array;
  readonly contentType?: string;
  /** Alt text. */
  readonly description?: string;
}

/** What a view makes of a content. Files are uploaded under their names, for embeds to show as `attachment://name`. */
export interface AdminMessage {
  readonly body: Pick<RESTPostAPIChannelMessageJSONBody, "content" | "embeds" | "components" | "flags">;
  readonly files?: readonly AdminFile[];
}

/** @param render makes the message, without files where none may be attached */
export function createAdminChannel<Content>(
  client: Client,
  render: (content: Content, mayAttach: boolean) => AdminMessage | Promise<AdminMessage>,
  clock: Pick<Clock, "now">,
): AdminChannel<Content> {
  /**
   * Asked before sending: without Embed Links, Discord takes the message and shows nothing of it.
   * @returns whether files may be attached @throws UserError when nothing may be posted
   */
  async function checkPermissions(channelId: Snowflake): Promise<boolean> {
    const channel = client.channels.cache.get(channelId);
    if (!channel || channel.isDMBased()) return true;
    const where = channel.isThread() ? channel.parent : channel;
    if (!where) return true;
    const bot = await botMember(channel.guild);
    const permissions = memberPermissions(guildFacts(channel.guild), channelFacts(where), bot);
    const lacking = missing(permissions, {
      "View Channel": Bit.ViewChannel,
      ...(channel.isThread()
        ? { "Send Messages in Threads": Bit.SendMessagesInThreads }
        : { "Send Messages": Bit.SendMessages }),
      "Embed Links": Bit.EmbedLinks,
    });
    if (lacking.length > 0) {
      throw new UserError(
        `I cannot post in <#${channelId}>: I lack ${lacking.join(", ")} there. Give my role that, or choose another channel.`,
      );
    }
    return missing(permissions, { "Attach Files": Bit.AttachFiles }).length === 0;
  }

  function toRequest(message: AdminMessage) {
    const files = (message.files ?? []).map((file) => ({ ...file, data: Buffer.from(file.data) }));
    const body = {
      ...message.body,
      allowed_mentions: { parse: [] },
      // On an edit this list also takes the former files away; without it they would pile up.
      attachments: files.map(({ name, description }, index) => ({
        id: String(index),
        filename: name,
        ...(description === undefined ? {} : { description }),
      })),
    };
    return { body, files };
  }

  return {
    async post(channelId, content) {
      try {
        const { body, files } = toRequest(await render(content, await checkPermissions(channelId)));
        const request: { body: RESTPostAPIChannelMessageJSONBody; files: typeof files } = { body, files };
        const posted = (await client.rest.post(Routes.channelMessages(channelId), request)) as APIMessage;
        return posted.id;
      } catch (error) {
        throw translateDiscordError(error, `post in <#${channelId}>`);
      }
    },

    async edit(channelId, messageId, content) {
      if (clock.now() - snowflakeTime(messageId) > EDITABLE_FOR_MS) return false;
      const { body, files } = toRequest(await render(content, true));
      try {
        const request: { body: RESTPatchAPIChannelMessageJSONBody; files: typeof files } = { body, files };
        await client.rest.patch(Routes.channelMessage(channelId, messageId), request);
        return true;
      } catch (error) {
        if (hasCode(error, DiscordCode.unknownMessage)) return false;
        throw translateDiscordError(error, `edit my message in <#${channelId}>`);
      }
    },
  };
}
