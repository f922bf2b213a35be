// "Find similar" in a message's menu. Speaks interaction; decides nothing.

import { ApplicationCommandType, ContextMenuCommandBuilder, InteractionContextType, MessageFlags } from "discord.js";
import { UserError } from "../errors.ts";
import { noteText } from "../views/notes.ts";
import type { MenuCommand } from "./command.ts";
import { contentOf } from "./message-content.ts";
import { type PagedSearch, showPage } from "./search-pages.ts";
import type { Sessions } from "./sessions.ts";

const data = new ContextMenuCommandBuilder()
  .setName("Find similar")
  .setType(ApplicationCommandType.Message)
  .setContexts(InteractionContextType.Guild);

export function createFindSimilar(sessions: Sessions<PagedSearch>): MenuCommand {
  return {
    kind: "menu",
    data,
    async execute(interaction, context) {
      await interaction.deferReply({ flags: MessageFlags.Ephemeral });
      const { guildId, targetId: id, user } = interaction;
      const text = noteText(await contentOf(interaction, context));
      if (text === "") throw new UserError("That message has no text, so nothing can be like it.");
      const search: PagedSearch = {
        userId: user.id,
        shared: false,
        title: `Like “${text}”`,
        marked: false,
        find: (filter, limit, offset) => context.search.similar({ guildId, id, text, filter, limit, offset }),
      };
      await showPage(interaction, context, { search, sessionId: sessions.open(search), page: 0 });
    },
  };
}
