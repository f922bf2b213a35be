// The driver's hand on interactions: a member runs a command, presses a button, fills in a modal. What Discord's client would
// not allow (no permission, a disabled button, a missing option) throws here and never reaches the bot.

import {
  type APIMessageTopLevelComponent,
  ApplicationCommandType,
  ButtonStyle,
  ComponentType,
  InteractionType,
  PermissionFlagsBits,
} from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import { sendOptions } from "./command-options.ts";
import type { CommandDefinition, OptionValues } from "./command-shapes.ts";
import { createHandle, type InteractionHandle } from "./interaction-handle.ts";
import type { LooseComponent } from "./message-body.ts";
import { modalComponents } from "./modals.ts";
import type { Channel, Command, Guild, Interaction, Message } from "./model.ts";
import { canView, channelPermissions } from "./permissions.ts";
import type { RenderContext } from "./render-message.ts";
import { getChannel, getMessage } from "./state.ts";

/** A token works for this long. */
export const TOKEN_LIFETIME_MS = 15 * 60_000;

export interface RunCommandInput {
  readonly userId: Snowflake;
  readonly channelId: Snowflake;
  readonly name: string;
  readonly group?: string;
  readonly subcommand?: string;
  readonly options?: OptionValues;
}

export interface InteractionActions {
  /** A member runs a slash command. @throws Error when Discord's client would not let them, saying why */
  runCommand(input: RunCommandInput): InteractionHandle;
  /** A member runs a command from a message's context menu. */
  runMessageCommand(input: { userId: Snowflake; messageId: Snowflake; name: string }): InteractionHandle;
  /** A member is typing the option `focused`. */
  autocomplete(input: RunCommandInput & { readonly focused: string }): InteractionHandle;
  pressButton(input: { userId: Snowflake; messageId: Snowflake; customId: string }): InteractionHandle;
  /** A member chooses in a string select menu. */
  selectOptions(input: {
    userId: Snowflake;
    messageId: Snowflake;
    customId: string;
    values: readonly string[];
  }): InteractionHandle;
  /** Fills in and sends the modal that the bot opened in answer to `opener`; text input ids to values. */
  submitModal(input: { opener: InteractionHandle; values: Readonly<Record<string, string>> }): InteractionHandle;
  /** Commands a member can see in a channel: those whose default permissions they have. */
  availableCommands(userId: Snowflake, channelId: Snowflake): Command[];
}

export function createInteractionActions(context: RenderContext): InteractionActions {
  const { state } = context;

  function place(userId: Snowflake, channelId: Snowflake): { guild: Guild; channel: Channel } {
    const found = getChannel(state, channelId);
    if (!canView(found.guild, found.channel, userId)) throw new Error(`user ${userId} cannot see channel ${channelId}`);
    return found;
  }

  function begin(input: Omit<Interaction, "id" | "token" | "createdAt" | "followups">): InteractionHandle {
    const now = state.now();
    for (const old of state.interactions.values()) {
      if (now - old.createdAt > TOKEN_LIFETIME_MS) state.interactions.delete(old.token);
    }
    const interaction: Interaction = {
      ...input,
      id: state.nextId(),
      token: state.newToken(),
      createdAt: now,
      followups: [],
    };
    state.interactions.set(interaction.token, interaction);
    const handle = createHandle(context, interaction);
    state.emit({ type: "interaction:created", interaction });
    return handle;
  }

  function isAllowed(guild: Guild, channel: Channel, userId: Snowflake, command: Command): boolean {
    const permissions = channelPermissions(guild, channel, userId);
    if (permissions & PermissionFlagsBits.Administrator) return true;
    if (!(permissions & PermissionFlagsBits.UseApplicationCommands)) return false;
    const needed = (command.definition as CommandDefinition).default_member_permissions;
    if (needed === undefined || needed === null) return true;
    // "0" means administrators only.
    return BigInt(needed) !== 0n && (permissions & BigInt(needed)) === BigInt(needed);
  }

  function commandsIn(guild: Guild): Command[] {
    return [...state.commands.values()].filter(({ guildId }) => guildId === undefined || guildId === guild.id);
  }

  function findCommand(
    guild: Guild,
    channel: Channel,
    userId: Snowflake,
    name: string,
    type: ApplicationCommandType,
  ): Command {
    const named = commandsIn(guild).filter((command) => command.type === type && command.definition.name === name);
    const command = named.find(({ guildId }) => guildId !== undefined) ?? named[0];
    if (!command) throw new Error(`there is no command "${name}"`);
    if (!isAllowed(guild, channel, userId, command)) throw new Error(`user ${userId} may not use "${name}" here`);
    return command;
  }

  function commandData(command: Command, more: object): object {
    const { id, type, guildId } = command;
    return { id, type, name: command.definition.name, ...(guildId ? { guild_id: guildId } : {}), ...more };
  }

  function sendCommand(input: RunCommandInput, focused?: string): InteractionHandle {
    const { guild, channel } = place(input.userId, input.channelId);
    const command = findCommand(guild, channel, input.userId, input.name, ApplicationCommandType.ChatInput);
    const { options, resolved } = sendOptions(state, guild, {
      definitions: (command.definition as CommandDefinition).options ?? [],
      group: input.group,
      subcommand: input.subcommand,
      values: input.options ?? {},
      focused,
    });
    const isResolved = Object.keys(resolved).length > 0;
    return begin({
      type: focused === undefined ? InteractionType.ApplicationCommand : InteractionType.ApplicationCommandAutocomplete,
      guildId: guild.id,
      channelId: channel.id,
      userId: input.userId,
      commandName: input.name,
      data: commandData(command, { ...(options.length > 0 ? { options } : {}), ...(isResolved ? { resolved } : {}) }),
    });
  }

  function useComponent(
    { userId, messageId, customId }: { userId: Snowflake; messageId: Snowflake; customId: string },
    dataOf: (component: LooseComponent & { readonly disabled?: boolean }) => object,
  ): InteractionHandle {
    const message = getMessage(state, messageId);
    const { guild, channel } = place(userId, message.channelId);
    if (message.ephemeralFor && message.ephemeralFor !== userId)
      throw new Error("only its addressee sees an ephemeral message");
    const component = findComponent(message, customId);
    if (!component) throw new Error(`message ${messageId} has no component "${customId}"`);
    if (component.disabled) throw new Error(`component "${customId}" is disabled`);
    return begin({
      type: InteractionType.MessageComponent,
      guildId: guild.id,
      channelId: channel.id,
      userId,
      message,
      data: { custom_id: customId, component_type: component.type, ...dataOf(component) },
    });
  }

  return {
    runCommand: (input) => sendCommand(input),
    autocomplete: (input) => sendCommand(input, input.focused),
    runMessageCommand({ userId, messageId, name }) {
      const message = getMessage(state, messageId);
      const { guild, channel } = place(userId, message.channelId);
      const command = findCommand(guild, channel, userId, name, ApplicationCommandType.Message);
      return begin({
        type: InteractionType.ApplicationCommand,
        guildId: guild.id,
        channelId: channel.id,
        userId,
        message,
        commandName: name,
        data: commandData(command, { target_id: messageId }),
      });
    },
    pressButton(input) {
      return useComponent(input, (component) => {
        if (component.type !== ComponentType.Button) throw new Error(`component "${input.customId}" is not a button`);
        if (component.style === ButtonStyle.Link) throw new Error("a link button sends no interaction");
        return {};
      });
    },
    selectOptions(input) {
      return useComponent(input, (component) => {
        if (component.type !== ComponentType.StringSelect)
          throw new Error(`component "${input.customId}" is not a select menu`);
        const offered = (component.options ?? []) as readonly { readonly value: string }[];
        const unknown = input.values.find((value) => !offered.some((option) => option.value === value));
        if (unknown !== undefined) throw new Error(`the menu does not offer "${unknown}"`);
        return { values: [...input.values] };
      });
    },
    submitModal({ opener, values }) {
      const { modal, guildId, channelId, userId, message, commandName } = opener.interaction;
      if (!modal) throw new Error("the bot opened no modal");
      return begin({
        type: InteractionType.ModalSubmit,
        guildId,
        channelId,
        userId,
        ...(message && commandName === undefined ? { message } : {}),
        data: { custom_id: modal.custom_id, components: modalComponents(modal, values) },
      });
    },
    availableCommands(userId, channelId) {
      const { guild, channel } = place(userId, channelId);
      return commandsIn(guild).filter((command) => isAllowed(guild, channel, userId, command));
    },
  };
}

function findComponent(
  message: Message,
  customId: string,
): (LooseComponent & { readonly disabled?: boolean }) | undefined {
  const search = (components: readonly LooseComponent[]): LooseComponent | undefined => {
    for (const component of components) {
      if (component.custom_id === customId) return component;
      const inside = search([...(component.components ?? []), ...(component.accessory ? [component.accessory] : [])]);
      if (inside) return inside;
    }
    return undefined;
  };
  return search((message.components ?? []) as readonly APIMessageTopLevelComponent[] as readonly LooseComponent[]);
}
