// What a command is, and what commands get to work with. Interfaces only.

import type {
  AutocompleteInteraction,
  ButtonInteraction,
  ChannelType,
  ChatInputCommandInteraction,
  MessageContextMenuCommandInteraction,
  RESTPostAPIApplicationCommandsJSONBody,
} from "discord.js";
import type { Backfill } from "../backfill/types.ts";
import type { Notes } from "../indexing/live/notes.ts";
import type { Privacy } from "../indexing/live/privacy.ts";
import type { Archive, ChannelInfo } from "../ports/archive.ts";
import type { Clock } from "../ports/clock.ts";
import type { HostProblem } from "../ports/discord.ts";
import type { Logger } from "../ports/logger.ts";
import type { StorageRules } from "../ports/storage-rules.ts";
import type { Access } from "../search/access.ts";
import type { Search } from "../search/search.ts";
import type { Snowflake } from "../snowflake.ts";
import type { DrawChart } from "../views/charts/chart.ts";

export type SlashInteraction = ChatInputCommandInteraction<"cached">;
export type MenuInteraction = MessageContextMenuCommandInteraction<"cached">;
export type ClickInteraction = ButtonInteraction<"cached">;

/** What `channelInfo` needs of discord.js's channels. */
export interface DiscordChannel {
  readonly id: Snowflake;
  readonly type: ChannelType;
  readonly name?: string | null;
  readonly parentId?: Snowflake | null;
}

/** All that handlers may use; they hold no state of their own. */
export interface CommandContext {
  readonly backfill: Backfill;
  readonly search: Search;
  readonly access: Access;
  readonly notes: Notes;
  readonly privacy: Privacy;
  readonly rules: StorageRules;
  readonly archive: Pick<
    Archive,
    "settings" | "guilds" | "get" | "neighbours" | "channels" | "pending" | "deeds" | "addDeed"
  >;
  /** What the archive would remember of a Discord channel; undefined for one that holds no messages. */
  channelInfo(channel: DiscordChannel): ChannelInfo | undefined;
  readonly draw: DrawChart;
  /** What only whoever runs the bot can mend. */
  hostProblems(): readonly HostProblem[];
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Definition {
  readonly name: string;
  toJSON(): RESTPostAPIApplicationCommandsJSONBody;
}

/** Handlers by the action in a button's custom id ("backscroll:<command>:<action>:<argument>…"). */
export type ButtonHandlers = Readonly<
  Record<string, (interaction: ClickInteraction, context: CommandContext, args: readonly string[]) => Promise<void>>
>;

/** A slash command: its definition and thin handlers. `data.name` is the command's name without prefix. */
export interface SlashCommand {
  readonly kind: "slash";
  readonly data: Definition;
  /** Who may use it, asked before each command and click. @throws UserError */
  guard?(interaction: SlashInteraction | ClickInteraction): void;
  execute(interaction: SlashInteraction, context: CommandContext): Promise<void>;
  autocomplete?(interaction: AutocompleteInteraction<"cached">, context: CommandContext): Promise<void>;
  readonly buttons?: ButtonHandlers;
}

/** An entry of a message's context menu (Apps). */
export interface MenuCommand {
  readonly kind: "menu";
  readonly data: Definition;
  execute(interaction: MenuInteraction, context: CommandContext): Promise<void>;
}

export type Command = SlashCommand | MenuCommand;

/** A page number from a button, which any client may have written: 0 for what is none. */
export function pageOf(text: string | undefined): number {
  return /^\d{1,4}$/.test(text ?? "") ? Number(text) : 0;
}
