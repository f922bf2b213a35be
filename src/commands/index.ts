// All commands: the explicit list, who handles an interaction, and the one boundary where errors become replies.

import { randomBytes } from "node:crypto";
import {
  ApplicationCommandType,
  type Interaction,
  MessageFlags,
  type RESTPostAPIApplicationCommandsJSONBody,
} from "discord.js";
import { TransientError, toError, UserError } from "../errors.ts";
import { apologyView, outOfReachView, userErrorView } from "../views/errors.ts";
import { hostProblemText } from "../views/host-problems.ts";
import { customIdNamespace, type View } from "../views/message.ts";
import { errorText } from "../views/refusals.ts";
import { backfill } from "./backfill.ts";
import type { Command, CommandContext } from "./command.ts";
import { createFindSimilar } from "./find-similar.ts";
import { note } from "./note.ts";
import { privacy } from "./privacy.ts";
import { isExpired, toReply } from "./reply.ts";
import { saveNote } from "./save-note.ts";
import { createSearchCommand } from "./search.ts";
import type { PagedSearch } from "./search-pages.ts";
import { createSessions } from "./sessions.ts";

export interface Commands {
  /** For registration with Discord. */
  readonly definitions: readonly RESTPostAPIApplicationCommandsJSONBody[];
  /** Answers an interaction that is ours; never rejects. @returns false for one that is not ours, which is left untouched */
  handle(interaction: Interaction): Promise<boolean>;
}

export interface CommandOptions {
  /** Put before every command's name, e.g. "bs-", so that a host bot keeps its own `search`. */
  readonly prefix?: string | undefined;
  /** Short and not to be guessed: names an error in the reply and in the log, and a search in its buttons. */
  readonly newId?: () => string;
}

/** @throws Error for a prefix that Discord does not allow in command names */
export function createCommands(context: CommandContext, options: CommandOptions = {}): Commands {
  const { prefix = "", newId = () => randomBytes(4).toString("hex") } = options;
  if (!/^[-_\p{Ll}\p{N}]{0,16}$/u.test(prefix)) {
    throw new Error(`the command prefix "${prefix}" may only hold up to 16 small letters, digits, - and _`);
  }
  const searches = createSessions<PagedSearch>(context.clock, newId);
  const commands: readonly Command[] = [
    backfill,
    createSearchCommand(searches),
    note,
    privacy,
    saveNote,
    createFindSimilar(searches),
  ];
  const clicks = new Map(
    commands.flatMap((command) =>
      command.kind === "slash"
        ? Object.entries(command.buttons ?? {}).map(
            ([action, click]) => [`${command.data.name}:${action}`, { click, guard: command.guard }] as const,
          )
        : [],
    ),
  );
  const byName = new Map(commands.map((command) => [prefix + command.data.name, command]));
  const definitions = [...byName].map(([name, command]) => ({ ...command.data.toJSON(), name }));

  /** What to do about an interaction; undefined when it is not ours. */
  function handlerFor(interaction: Interaction): (() => Promise<void>) | undefined {
    if (interaction.isButton()) {
      const [namespace, name, action = "", ...args] = interaction.customId.split(":");
      if (namespace !== customIdNamespace) return undefined;
      const known = clicks.get(`${name}:${action}`);
      return async () => {
        if (!interaction.inCachedGuild() || known === undefined) throw new UserError(gone);
        known.guard?.(interaction);
        await known.click(interaction, context, args);
      };
    }
    if (!interaction.isCommand() && !interaction.isAutocomplete()) return undefined;
    const command = byName.get(interaction.commandName);
    const type = command?.kind === "menu" ? ApplicationCommandType.Message : ApplicationCommandType.ChatInput;
    if (!command || interaction.commandType !== type) return undefined;
    return async () => {
      requireGuilds(context);
      if (!interaction.inCachedGuild()) throw new UserError("That only works in a server this bot is a member of.");
      if (command.kind === "menu") {
        if (interaction.isMessageContextMenuCommand()) await command.execute(interaction, context);
      } else if (interaction.isAutocomplete()) {
        await command.autocomplete?.(interaction, context);
      } else if (interaction.isChatInputCommand()) {
        command.guard?.(interaction);
        await command.execute(interaction, context);
      }
    };
  }

  /** Whatever went wrong reaches the log or the person who asked; where possible, both. */
  async function report(interaction: Interaction, thrown: unknown): Promise<void> {
    const error = toError(thrown);
    const about = { interaction: describe(interaction), guildId: interaction.guildId, userId: interaction.user.id };
    if (isExpired(thrown)) {
      // There is nobody left to answer: the token died, or another listener or process has answered.
      context.logger.warn("interaction:unanswerable", { ...about, error: error.message });
      return;
    }
    const errorId = newId();
    if (!(thrown instanceof UserError)) {
      const cause = error.cause === undefined ? {} : { cause: toError(error.cause).message };
      context.logger.error("interaction:failed", { ...about, errorId, error: error.stack ?? error.message, ...cause });
    }
    try {
      await reply(interaction, toReply(errorView(error, errorId)));
    } catch (second) {
      context.logger.warn("interaction:unanswerable", { ...about, errorId, error: toError(second).message });
    }
  }

  return {
    definitions,
    async handle(interaction) {
      const handler = handlerFor(interaction);
      if (!handler) return false;
      try {
        await handler();
      } catch (thrown) {
        await report(interaction, thrown);
      }
      return true;
    },
  };
}

const gone =
  "This button is too old: it belongs to something that is over, or to an older version of the bot. Nothing was changed.";

/** @throws UserError for a client that does not ask for the intent Guilds, and so knows of none that it is in */
function requireGuilds({ hostProblems }: CommandContext): void {
  const lacking = hostProblems().filter(({ kind }) => kind === "intent-lacking");
  const isBlind = lacking.some((problem) => problem.kind === "intent-lacking" && problem.intent === "Guilds");
  if (isBlind) throw new UserError(hostProblemText(lacking));
}

function errorView(error: Error, errorId: string): View {
  if (error instanceof UserError) return userErrorView(errorText(error));
  return error instanceof TransientError ? outOfReachView() : apologyView(errorId);
}

function describe(interaction: Interaction): string {
  if (interaction.isButton()) return interaction.customId.slice(0, 100);
  return interaction.isCommand() || interaction.isAutocomplete() ? `/${interaction.commandName}` : "other";
}

/** Shows an error by the way that is open in the interaction's present state. */
async function reply(interaction: Interaction, payload: ReturnType<typeof toReply>): Promise<void> {
  if (interaction.isAutocomplete()) {
    if (!interaction.responded) await interaction.respond([]);
    return;
  }
  if (!interaction.isRepliable()) return;
  if (!interaction.deferred && !interaction.replied) {
    await interaction.reply({ ...payload, flags: MessageFlags.Ephemeral });
  } else if (interaction.isButton() && interaction.ephemeral === null) {
    // The click's answer would be an edit of the message the button is on, which may be everybody's progress message.
    await interaction.followUp({ ...payload, flags: MessageFlags.Ephemeral });
  } else {
    await interaction.editReply(payload);
  }
}
