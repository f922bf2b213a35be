// /search and its page buttons. Speaks interaction; decides nothing.

import { ChannelType, InteractionContextType, MessageFlags, SlashCommandBuilder } from "discord.js";
import type { SearchFilter } from "../ports.ts";
import type { CommandContext, SlashCommand, SlashInteraction } from "./command.ts";
import { afterDate, beforeDate } from "./dates.ts";
import { type PagedSearch, showPage, turnPage } from "./search-pages.ts";
import type { Sessions } from "./sessions.ts";

const maxQueryLength = 1_000;

const data = new SlashCommandBuilder()
  .setName("search")
  .setDescription("Find messages and notes by what they mean")
  .setContexts(InteractionContextType.Guild)
  .addStringOption((option) =>
    option
      .setName("query")
      .setDescription("What you look for, in your own words; “phrases”, from: in: before: after: has: work too")
      .setRequired(true)
      .setMaxLength(maxQueryLength),
  )
  .addChannelOption((option) =>
    option
      .setName("channel")
      .setDescription("Only in this channel and its threads")
      .addChannelTypes(
        ChannelType.GuildText,
        ChannelType.GuildAnnouncement,
        ChannelType.GuildVoice,
        ChannelType.GuildStageVoice,
        ChannelType.GuildForum,
        ChannelType.PublicThread,
        ChannelType.PrivateThread,
        ChannelType.AnnouncementThread,
      ),
  )
  .addUserOption((option) => option.setName("author").setDescription("Only by this person"))
  .addStringOption((option) =>
    option.setName("after").setDescription("Only later than, e.g. 2025-03-01, yesterday, 3 weeks ago"),
  )
  .addStringOption((option) => option.setName("before").setDescription("Only earlier than, e.g. 2025-03, 6 months ago"))
  .addStringOption((option) =>
    option
      .setName("kind")
      .setDescription("Messages or notes (both when left out)")
      .addChoices({ name: "messages", value: "message" }, { name: "notes", value: "note" }),
  )
  .addBooleanOption((option) =>
    option.setName("share").setDescription("Show it to everybody here: only what all of them can read"),
  );

export function createSearchCommand(sessions: Sessions<PagedSearch>): SlashCommand {
  return {
    kind: "slash",
    data,
    async execute(interaction, context) {
      const shared = interaction.options.getBoolean("share") ?? false;
      await interaction.deferReply(shared ? {} : { flags: MessageFlags.Ephemeral });
      const { guildId, user } = interaction;
      const typed = interaction.options.getString("query", true);
      // A shared search has no viewer whom "me" could mean.
      const text = typed.replace(/\bfrom:me\b/gi, `from:<@${user.id}>`);
      const limits = await limitsOf(interaction, context);
      const search: PagedSearch = {
        userId: user.id,
        shared,
        title: typed,
        marked: true,
        find: (readable, limit, offset) =>
          context.search.search({ guildId, text, filter: { ...readable, ...limits }, limit, offset }),
      };
      await showPage(interaction, context, { search, sessionId: sessions.open(search), page: 0 });
    },
    buttons: {
      page: (interaction, context, args) => turnPage(interaction, context, sessions, args),
    },
  };
}

/** What the options narrow the search to. @throws UserError for a date that is none */
async function limitsOf(
  { options, guildId }: SlashInteraction,
  { archive, clock }: CommandContext,
): Promise<Omit<SearchFilter, "accessChannelIds" | "viewerId">> {
  const channel = options.getChannel("channel");
  const author = options.getUser("author");
  const after = options.getString("after");
  const before = options.getString("before");
  const kind = options.getString("kind");
  const threads = channel ? (await archive.channels(guildId)).filter(({ parentId }) => parentId === channel.id) : [];
  return {
    ...(channel && { channelIds: [channel.id, ...threads.map(({ id }) => id)] }),
    ...(author && { authorIds: [author.id] }),
    ...(after && { afterId: afterDate(after, clock.now()) }),
    ...(before && { beforeId: beforeDate(before, clock.now()) }),
    ...(kind && { kinds: [kind === "note" ? "note" : "message"] as const }),
  };
}
