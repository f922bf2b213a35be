// /privacy stored|export|delete|opt-out|opt-in, for every member, about their own words. Speaks interaction; decides nothing.

import { InteractionContextType, MessageFlags, SlashCommandBuilder } from "discord.js";
import { askView, exportView, keptView, optedInView, removedView, removingView, storedView } from "../views/privacy.ts";
import type { ClickInteraction, CommandContext, SlashCommand, SlashInteraction } from "./command.ts";
import { exportFiles } from "./export-files.ts";
import { answer, inItsPlace, toReply } from "./reply.ts";

/** A reply can be changed for 15 minutes. */
const ANSWERABLE_MS = 14 * 60_000;

const data = new SlashCommandBuilder()
  .setName("privacy")
  .setDescription("What is stored of your words here, and have it deleted")
  .setContexts(InteractionContextType.Guild)
  .addSubcommand((sub) => sub.setName("stored").setDescription("What is stored about you, where and for how long"))
  .addSubcommand((sub) => sub.setName("export").setDescription("All your messages and notes as a file"))
  .addSubcommand((sub) => sub.setName("delete").setDescription("Delete what is stored of you"))
  .addSubcommand((sub) => sub.setName("opt-out").setDescription("Delete it, and store nothing of yours any more"))
  .addSubcommand((sub) => sub.setName("opt-in").setDescription("Let your words be stored again"));

export const privacy = {
  kind: "slash",
  data,
  async execute(interaction, context) {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    const { options, guildId, user } = interaction;
    const { about, where, optIn } = context.privacy;
    switch (options.getSubcommand()) {
      case "stored":
        return await answer(interaction, storedView(await about(guildId, user.id), where));
      case "export":
        return await handOut(interaction, context);
      case "delete":
        return await answer(interaction, askView("delete", await about(guildId, user.id)));
      case "opt-out":
        return await answer(interaction, askView("opt-out", await about(guildId, user.id)));
      case "opt-in":
        return await answer(interaction, optedInView(await optIn(guildId, user.id)));
    }
  },
  buttons: {
    delete: inItsPlace(async (interaction, { privacy }) => {
      const { guildId, user, id } = interaction;
      // The click's id is its moment, by Discord's clock.
      await privacy.forget(guildId, user.id, id);
      await showRemoval(interaction, privacy, "delete");
    }),
    "opt-out": inItsPlace(async (interaction, { privacy }) => {
      await privacy.optOut(interaction.guildId, interaction.user.id);
      await showRemoval(interaction, privacy, "opt-out");
    }),
    keep: inItsPlace((interaction) => answer(interaction, keptView())),
  },
} satisfies SlashCommand;

async function showRemoval(
  interaction: ClickInteraction,
  { removed, where }: CommandContext["privacy"],
  what: "delete" | "opt-out",
): Promise<void> {
  await answer(interaction, removingView());
  const isDone = await removed(interaction.guildId, interaction.user.id, ANSWERABLE_MS);
  await answer(interaction, removedView(what, isDone, where));
}

async function handOut(interaction: SlashInteraction, { privacy, clock }: CommandContext): Promise<void> {
  const { guildId, user, attachmentSizeLimit } = interaction;
  let part = 0;
  for await (const file of exportFiles(privacy, { guildId, userId: user.id, now: clock.now() }, attachmentSizeLimit)) {
    part += 1;
    const { name, data, exported, isLast } = file;
    const view = toReply(exportView(exported, part, isLast));
    const isEmpty = exported.messages + exported.notes === 0;
    const reply = { ...view, files: isEmpty ? [] : [{ name, attachment: data }] };
    if (part === 1) await interaction.editReply(reply);
    else await interaction.followUp({ ...reply, flags: MessageFlags.Ephemeral });
  }
}
