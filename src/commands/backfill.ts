// /backfill analyze|start|pause|status|verify|failures|retry|rollback|record and settings …, and the buttons on its messages. Speaks interaction;
// decides nothing.

import {
  ChannelType,
  InteractionContextType,
  MessageFlags,
  PermissionFlagsBits,
  SlashCommandBuilder,
} from "discord.js";
import { laterView } from "../views/generation-change.ts";
import { sentence } from "../views/message.ts";
import { requireManageServer } from "./admin.ts";
import * as actions from "./backfill-actions.ts";
import {
  type ButtonHandlers,
  type ClickInteraction,
  type CommandContext,
  pageOf,
  type SlashCommand,
  type SlashInteraction,
} from "./command.ts";
import { plan, planFromArguments, suggestPhases } from "./plan-options.ts";
import { inItsPlace, toReply } from "./reply.ts";
import { record, recordSubcommand, removeMember, settings, settingsGroup } from "./settings.ts";

const ephemeral = { flags: MessageFlags.Ephemeral } as const;

const data = new SlashCommandBuilder()
  .setName("backfill")
  .setDescription("Make this server's older messages searchable")
  .setContexts(InteractionContextType.Guild)
  .setDefaultMemberPermissions(PermissionFlagsBits.ManageGuild)
  .addSubcommand((sub) =>
    sub
      .setName("analyze")
      .setDescription("Show how much search finds, what is missing, and how long a backfill would take")
      .addStringOption((option) =>
        option
          .setName("scope")
          .setDescription("Which servers to look at (all: only for the owner of this bot)")
          .addChoices({ name: "this server", value: "server" }, { name: "all servers", value: "all" }),
      ),
  )
  .addSubcommand((sub) =>
    sub
      .setName("start")
      .setDescription("Start a backfill, or go on with an unfinished one")
      .addStringOption((option) =>
        option
          .setName("phases")
          .setDescription("Which parts of the history, e.g. “recent, medium” (all when left out)")
          .setAutocomplete(true),
      )
      .addStringOption((option) =>
        option
          .setName("pace")
          .setDescription("How much of the machine it may use (auto when left out)")
          .addChoices(
            { name: "auto: as fast as goes without slowing searches down", value: "auto" },
            { name: "gentle: small steps with breaks", value: "gentle" },
            { name: "full: as fast as it goes", value: "full" },
          ),
      )
      .addStringOption((option) =>
        option
          .setName("source")
          .setDescription("Where the messages come from (what is stored already, when left out)")
          .addChoices(
            { name: "archive: what is stored already", value: "archive" },
            { name: "discord: fetch missing history from Discord first", value: "discord" },
          ),
      )
      .addChannelOption((option) =>
        option
          .setName("report-to")
          .setDescription("Where progress and warnings are posted; remembered for next time")
          .addChannelTypes(
            ChannelType.GuildText,
            ChannelType.GuildAnnouncement,
            ChannelType.PublicThread,
            ChannelType.PrivateThread,
          ),
      ),
  )
  .addSubcommand((sub) => sub.setName("pause").setDescription("Pause the backfill; it keeps what it has done"))
  .addSubcommand((sub) => sub.setName("status").setDescription("Show progress, warnings and health"))
  .addSubcommand((sub) => sub.setName("verify").setDescription("Check that search finds what is stored"))
  .addSubcommand((sub) => sub.setName("failures").setDescription("List what could not be made searchable, and why"))
  .addSubcommand((sub) => sub.setName("retry").setDescription("Give everything that failed another chance"))
  .addSubcommand(recordSubcommand)
  .addSubcommandGroup(settingsGroup)
  .addSubcommand((sub) =>
    sub
      .setName("rollback")
      .setDescription("Take back the latest backfill, or a change of the search model (asks first)")
      .addStringOption((option) =>
        option
          .setName("what")
          .setDescription("What to take back (the latest backfill, when left out)")
          .addChoices(
            { name: "backfill: what the latest one made searchable", value: "backfill" },
            { name: "index: search with the former index again", value: "index" },
          ),
      ),
  );

type Handler = (interaction: SlashInteraction | ClickInteraction, context: CommandContext) => Promise<void>;

/** Acknowledges first, where everyone in the channel sees it. */
function openly(handler: Handler): Handler {
  return async (interaction, context) => {
    await interaction.deferReply();
    await handler(interaction, context);
  };
}

/** Acknowledges first, for the asker's eyes only. */
function quietly(handler: Handler): Handler {
  return async (interaction, context) => {
    await interaction.deferReply(ephemeral);
    await handler(interaction, context);
  };
}

/** What a subcommand and the button of the same name do alike. */
const shared = {
  analyze: openly(actions.analyze),
  status: quietly(actions.status),
  failures: quietly(actions.failures),
  retry: quietly(actions.retry),
} as const satisfies Record<string, Handler>;

const subcommands: Readonly<Record<string, (interaction: SlashInteraction, context: CommandContext) => Promise<void>>> =
  {
    ...shared,
    async analyze(interaction, context) {
      if (interaction.options.getString("scope") !== "all") return await shared.analyze(interaction, context);
      // Other servers' names are for the asker only.
      await interaction.deferReply(ephemeral);
      await actions.analyzeAll(interaction, context);
    },
    async start(interaction, context) {
      const { options } = interaction;
      const asked = plan(options.getString("phases"), options.getString("pace"), options.getString("source"));
      await interaction.deferReply();
      await actions.start(interaction, context, asked, options.getChannel("report-to")?.id);
    },
    pause: openly(actions.pause),
    verify: openly(actions.verify),
    record: quietly((interaction, context) => record(interaction, context, 0)),
    rollback: quietly(async (interaction, context) => {
      const isIndex = interaction.isChatInputCommand() && interaction.options.getString("what") === "index";
      await (isIndex ? actions.askRollbackIndex : actions.askRollback)(interaction, context);
    }),
  };

const buttons: ButtonHandlers = {
  ...shared,
  async start(interaction, context, asked) {
    await interaction.deferReply();
    await actions.start(interaction, context, planFromArguments(asked), undefined);
  },
  resume: quietly((interaction, context) => actions.resume(interaction, context, undefined)),
  pause: quietly(actions.pause),
  keep: inItsPlace((interaction, context, [channelId]) => actions.resume(interaction, context, channelId)),
  change: inItsPlace((interaction, context, [channelId, ...asked]) =>
    actions.start(interaction, context, planFromArguments(asked), channelId, true),
  ),
  async rollback(interaction, context, [runId = ""]) {
    await interaction.update(toReply(sentence("↩️ Rolling back, and checking afterwards…")));
    try {
      await actions.rollback(interaction, context, runId);
    } catch (thrown) {
      // The reason follows as a message of its own; this one must not say for ever that it is at work.
      await interaction.editReply(
        toReply(sentence("The rollback did not come to its end. Nothing that is stored is lost; try it again.")),
      );
      throw thrown;
    }
  },
  "rollback-index": inItsPlace((interaction, context, [fingerprint = ""]) =>
    actions.rollbackIndex(interaction, context, fingerprint),
  ),
  "remove-member": inItsPlace((interaction, context, [userId = ""]) => removeMember(interaction, context, userId)),
  record: inItsPlace((interaction, context, [page]) => record(interaction, context, pageOf(page))),
  async later(interaction) {
    await interaction.update(toReply(laterView()));
  },
  async cancel(interaction) {
    await interaction.update(toReply(sentence("Nothing was changed.")));
  },
};

export const backfill = {
  kind: "slash",
  data,
  guard: requireManageServer,
  async execute(interaction, context) {
    const subcommand = interaction.options.getSubcommand();
    if (interaction.options.getSubcommandGroup() === "settings") {
      await interaction.deferReply(ephemeral);
      await settings[subcommand]?.(interaction, context);
    } else {
      await subcommands[subcommand]?.(interaction, context);
    }
  },
  async autocomplete(interaction) {
    await interaction.respond(suggestPhases(interaction.options.getFocused()));
  },
  buttons,
} satisfies SlashCommand;
