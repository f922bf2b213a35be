// The buttons that say all they need in themselves, and so work for anybody, for ever: a result in its context, what is like it, and
// the search for an old message that a report offers. Each answers for the presser's eyes only, with what the presser can read.

import { MessageFlags } from "discord.js";
import { UserError } from "../errors.ts";
import { ownText } from "../indexing/text/prepare.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import { type RecordText, shownRecord } from "../search/shown-text.ts";
import type { Snowflake } from "../snowflake.ts";
import { sampleHeading, similarHeading } from "../views/search-results.ts";
import { shownBeside, surroundingsView } from "../views/surroundings.ts";
import { readableRecord } from "./access.ts";
import type { ButtonHandlers, ClickInteraction, CommandContext, MenuInteraction } from "./command.ts";
import { answer } from "./reply.ts";
import { type PagedSearch, showFirstPage } from "./search-pages.ts";
import type { Sessions } from "./sessions.ts";

const ephemeral = { flags: MessageFlags.Ephemeral } as const;
/** Of an old message's words, about as many as a person types; verification looks for old messages by as many. Characters. */
const SAMPLE_QUERY_LENGTH = 120;

export function lookCloserButtons(sessions: Sessions<PagedSearch>): ButtonHandlers {
  return {
    async around(interaction, context, [id = "", soughtId = id]) {
      // Going on changes the answer itself, where it is for these eyes only.
      const isGoingOn = soughtId !== id && interaction.message.flags.has(MessageFlags.Ephemeral);
      await (isGoingOn ? interaction.deferUpdate() : interaction.deferReply(ephemeral));
      await showSurroundings(interaction, context, id, soughtId);
    },
    async similar(interaction, context, [id = ""]) {
      await interaction.deferReply(ephemeral);
      await showSimilar(interaction, context, sessions, id, await readableRecord(interaction, context, id));
    },
    async sample(interaction, context, [id = ""]) {
      await interaction.deferReply(ephemeral);
      const record = await readableRecord(interaction, context, id);
      const { guildId, user } = interaction;
      const text = ownText(record).slice(0, SAMPLE_QUERY_LENGTH).toWellFormed();
      await showFirstPage(interaction, context, sessions, {
        guildId,
        userId: user.id,
        shared: false,
        heading: sampleHeading(record),
        marked: true,
        soughtId: id,
        find: (filter, limit, offset) =>
          context.search.search({ guildId, text, verbatim: true, unfolded: true, filter, limit, offset }),
      });
    },
  };
}

/** Answers a deferred interaction with what is like a message or note. @throws UserError when it has no text */
export async function showSimilar(
  interaction: MenuInteraction | ClickInteraction,
  context: CommandContext,
  sessions: Sessions<PagedSearch>,
  id: Snowflake,
  record: RecordText,
): Promise<void> {
  const { guildId, user } = interaction;
  const { text } = shownRecord(record);
  if (text === "") throw new UserError("That message has no text, so nothing can be like it.");
  await showFirstPage(interaction, context, sessions, {
    guildId,
    userId: user.id,
    shared: false,
    heading: similarHeading(record),
    marked: false,
    find: (filter, limit, offset) => context.search.similar({ guildId, id, text, filter, limit, offset }),
  });
}

/** @param soughtId the message that the conversation was opened for */
async function showSurroundings(
  interaction: ClickInteraction,
  context: CommandContext,
  id: Snowflake,
  soughtId: Snowflake,
): Promise<void> {
  const { guildId } = interaction;
  const record = await readableRecord(interaction, context, id);
  const beside = async (direction: "before" | "after"): Promise<ArchivedRecord[]> => {
    if (record.kind === "note") return [];
    const stored = await context.archive.neighbours(guildId, record.channelId, id, direction, shownBeside);
    // Who reads a channel or thread reads all of it; its messages are governed alike.
    return stored.map((each) => each.record).filter((each) => each.accessChannelId === record.accessChannelId);
  };
  const [before, after] = await Promise.all([beside("before"), beside("after")]);
  await answer(interaction, surroundingsView({ record, before: before.reverse(), after, soughtId }, guildId));
}
