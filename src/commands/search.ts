// /search and its page buttons. Speaks interaction; decides nothing.

import {
  type AutocompleteInteraction,
  ChannelType,
  InteractionContextType,
  MessageFlags,
  SlashCommandBuilder,
} from "discord.js";
import type { SearchFilter } from "../ports/vector-index.ts";
import { queryHeading } from "../views/search-results.ts";
import { readableWhileTyping } from "./access.ts";
import type { CommandContext, SlashCommand, SlashInteraction } from "./command.ts";
import { afterDate, beforeDate, dateChoices } from "./dates.ts";
import { lookCloserButtons } from "./look-closer.ts";
import { type Offered, queryChoices } from "./query-choices.ts";
import { type PagedSearch, showFirstPage, turnPage } from "./search-pages.ts";
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
      .setMaxLength(maxQueryLength)
      .setAutocomplete(true),
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
    option
      .setName("after")
      .setDescription("Only later than, e.g. 2025-03-01, march, yesterday, 3 weeks ago (days in UTC)")
      .setAutocomplete(true),
  )
  .addStringOption((option) =>
    option
      .setName("before")
      .setDescription("Only earlier than, e.g. 2025-03, 1 march 2024, 6 months ago (days in UTC)")
      .setAutocomplete(true),
  )
  .addStringOption((option) =>
    option
      .setName("kind")
      .setDescription("Messages or notes (both when left out)")
      .addChoices({ name: "messages", value: "message" }, { name: "notes", value: "note" }),
  )
  .addStringOption((option) =>
    option
      .setName("prefer")
      .setDescription("Which come first of results that fit about equally well (the best match, when left out)")
      .addChoices({ name: "newer messages", value: "newer" }),
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
      // What makes no sense is told to whoever typed it, not to everybody.
      const dates = datesOf(interaction, context.clock.now());
      await interaction.deferReply(shared ? {} : { flags: MessageFlags.Ephemeral });
      const { guildId, user } = interaction;
      const text = interaction.options.getString("query", true);
      const preferNewer = interaction.options.getString("prefer") === "newer";
      const { filter, beside } = await limitsOf(interaction, context);
      const searchFor = (text: string): PagedSearch => ({
        guildId,
        userId: user.id,
        shared,
        heading: queryHeading(text, beside, preferNewer),
        marked: true,
        instead: searchFor,
        find: (readable, limit, offset) =>
          context.search.search({
            guildId,
            text,
            askerId: user.id,
            filter: { ...readable, ...filter, ...dates },
            ...(preferNewer && { preferNewer }),
            limit,
            offset,
          }),
      });
      await showFirstPage(interaction, context, sessions, searchFor(text));
    },
    async autocomplete(interaction, context) {
      const { options, guild } = interaction;
      const { name, value: typed } = options.getFocused(true);
      const dates = (begun: string) => dateChoices(begun, context.clock.now(), guild.createdTimestamp);
      if (name !== "query") return await interaction.respond(dates(typed));
      const choices = await queryChoices(typed, offeredTo(interaction, context, dates));
      await interaction.respond(choices.map((choice) => ({ name: choice, value: choice })));
    },
    buttons: {
      page: (interaction, context, args) => turnPage(interaction, context, sessions, args),
      ...lookCloserButtons(sessions),
    },
  };
}

function offeredTo(
  interaction: AutocompleteInteraction<"cached">,
  context: CommandContext,
  dates: (begun: string) => readonly { readonly value: string }[],
): Offered {
  const { guildId } = interaction;
  return {
    people: async () => await context.search.people(guildId, await readableWhileTyping(interaction, context)),
    async channels() {
      const readable = new Set((await readableWhileTyping(interaction, context)).accessChannelIds);
      const known = await context.archive.channels(guildId);
      return known.filter(({ accessChannelId }) => readable.has(accessChannelId)).map((channel) => channel.name);
    },
    dates: (begun) => dates(begun).map(({ value }) => value),
  };
}

/** @throws UserError for a date that is none */
function datesOf({ options }: SlashInteraction, now: number): Pick<SearchFilter, "afterId" | "beforeId"> {
  const after = options.getString("after");
  const before = options.getString("before");
  return { ...(after && { afterId: afterDate(after, now) }), ...(before && { beforeId: beforeDate(before, now) }) };
}

/** What the other options narrow the search to, also as operators: the dates are told apart from the heading, with their bounds. */
async function limitsOf(
  { options, guildId }: SlashInteraction,
  { archive }: CommandContext,
): Promise<{ filter: Pick<SearchFilter, "channelIds" | "authorIds" | "kinds">; beside: string[] }> {
  const channel = options.getChannel("channel");
  const author = options.getUser("author");
  const kind = options.getString("kind");
  const threads = channel ? (await archive.channels(guildId)).filter(({ parentId }) => parentId === channel.id) : [];
  const filter = {
    ...(channel && { channelIds: [channel.id, ...threads.map(({ id }) => id)] }),
    ...(author && { authorIds: [author.id] }),
    ...(kind && { kinds: [kind === "note" ? "note" : "message"] as const }),
  };
  const beside = [channel && `in:<#${channel.id}>`, author && `from:<@${author.id}>`, kind && `(${kind}s)`];
  return { filter, beside: beside.filter((each) => each !== null) };
}
