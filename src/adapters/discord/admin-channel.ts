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
import type { AdminChannel, Clock } from "../../ports.ts";
import { type Snowflake, snowflakeTime } from "../../snowflake.ts";
import { DiscordCode, hasCode, translateDiscordError } from "./discord-errors.ts";
import { botMember, channelFacts, guildFacts } from "./guild-facts.ts";
import { memberPermissions, missing } from "./permission-rules.ts";

/**
 * Discord throttles edits of messages older than an hour (error 30046). It says so as a rate limit, which discord.js sits out, edits
 * of other messages in the channel waiting behind it; so such an edit is never tried. A minute is left for clocks that differ.
 */
const EDITABLE_FOR_MS = 59 * 60_000;

/** What a view makes of a content. Files are uploaded under their names, for embeds to show as `attachment://name`. */
export interface AdminMessage {
  readonly body: Pick<RESTPostAPIChannelMessageJSONBody, "content" | "embeds" | "components" | "flags">;
  readonly files?: readonly { readonly name: string; readonly data: Uint8Array; readonly contentType?: string }[];
}

export function createAdminChannel<Content>(
  client: Client,
  render: (content: Content) => AdminMessage,
  clock: Pick<Clock, "now">,
): AdminChannel<Content> {
  /** Asked before sending: without Embed Links, Discord takes the message and shows nothing of it. */
  async function checkPermissions(channelId: Snowflake, withFiles: boolean): Promise<void> {
    const channel = client.channels.cache.get(channelId);
    if (!channel || channel.isDMBased()) return;
    const where = channel.isThread() ? channel.parent : channel;
    if (!where) return;
    const bot = await botMember(channel.guild);
    const lacking = missing(memberPermissions(guildFacts(channel.guild), channelFacts(where), bot), {
      "View Channel": Bit.ViewChannel,
      ...(channel.isThread()
        ? { "Send Messages in Threads": Bit.SendMessagesInThreads }
        : { "Send Messages": Bit.SendMessages }),
      "Embed Links": Bit.EmbedLinks,
      ...(withFiles && { "Attach Files": Bit.AttachFiles }),
    });
    if (lacking.length > 0) {
      throw new UserError(
        `I cannot post in <#${channelId}>: I lack ${lacking.join(", ")} there. Give my role that, or choose another channel.`,
      );
    }
  }

  function toRequest(message: AdminMessage) {
    const files = (message.files ?? []).map((file) => ({ ...file, data: Buffer.from(file.data) }));
    const body = {
      ...message.body,
      allowed_mentions: { parse: [] },
      // On an edit this list also takes the former files away; without it they would pile up.
      attachments: files.map((file, index) => ({ id: String(index), filename: file.name })),
    };
    return { body, files };
  }

  return {
    async post(channelId, content) {
      const { body, files } = toRequest(render(content));
      try {
        await checkPermissions(channelId, files.length > 0);
        const request: { body: RESTPostAPIChannelMessageJSONBody; files: typeof files } = { body, files };
        const posted = (await client.rest.post(Routes.channelMessages(channelId), request)) as APIMessage;
        return posted.id;
      } catch (error) {
        throw translateDiscordError(error, `post in <#${channelId}>`);
      }
    },

    async edit(channelId, messageId, content) {
      if (clock.now() - snowflakeTime(messageId) > EDITABLE_FOR_MS) return false;
      const { body, files } = toRequest(render(content));
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
