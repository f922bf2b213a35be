// "Find similar" in a message's menu. Speaks interaction; decides nothing.

import { ApplicationCommandType, ContextMenuCommandBuilder, InteractionContextType, MessageFlags } from "discord.js";
import type { MenuCommand } from "./command.ts";
import { showSimilar } from "./look-closer.ts";
import { contentOf } from "./message-content.ts";
import type { PagedSearch } from "./search-pages.ts";
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
      const said = await contentOf(interaction, context);
      await showSimilar(interaction, context, sessions, interaction.targetId, said);
    },
  };
}
