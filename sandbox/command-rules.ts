// What Discord accepts as the definition of an application command, and how it gives it back.
// Source: https://discord.com/developers/docs/interactions/application-commands#application-command-object

import { ApplicationCommandOptionType, ApplicationCommandType } from "discord-api-types/v10";
import type { CommandDefinition, OptionDefinition } from "./command-shapes.ts";
import { createFormErrors, type FormErrors } from "./discord-error.ts";
import type { Command } from "./model.ts";
import type { ApiObject } from "./render-guild.ts";
import type { State } from "./state.ts";

const SLASH_NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const COMMAND_TOTAL_LIMIT = 8000;
const SUBCOMMAND_TYPES: readonly number[] = [
  ApplicationCommandOptionType.Subcommand,
  ApplicationCommandOptionType.SubcommandGroup,
];

/** @throws DiscordError 50035 naming everything that breaks a rule; `at` is where the definition lies in the body */
export function checkCommandDefinition(definition: CommandDefinition, at: readonly (string | number)[] = []): void {
  const form = createFormErrors();
  if ((definition.type ?? ApplicationCommandType.ChatInput) === ApplicationCommandType.ChatInput) {
    checkSlashName(form, [...at, "name"], definition.name);
    checkDescription(form, [...at, "description"], definition.description);
    checkOptions(form, [...at, "options"], definition.options ?? [], 0);
    if (textLength(definition) > COMMAND_TOTAL_LIMIT) {
      form.add(at, "APPLICATION_COMMAND_TOO_LARGE", `Command exceeds maximum size (${COMMAND_TOTAL_LIMIT})`);
    }
  } else {
    if (!definition.name || definition.name.length > 32) {
      form.add([...at, "name"], "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.");
    }
    if (definition.description) {
      form.add(
        [...at, "description"],
        "APPLICATION_COMMAND_INVALID_DESCRIPTION",
        "Context menu commands cannot have a description",
      );
    }
    if (definition.options?.length) {
      form.add([...at, "options"], "APPLICATION_COMMAND_INVALID_OPTIONS", "Context menu commands cannot have options");
    }
  }
  form.throwIfAny();
}

function checkSlashName(form: FormErrors, path: readonly (string | number)[], name: string | undefined): void {
  if (name && SLASH_NAME.test(name) && name === name.toLowerCase()) return;
  form.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
}

function checkDescription(
  form: FormErrors,
  path: readonly (string | number)[],
  description: string | null | undefined,
): void {
  if (description && [...description].length <= 100) return;
  form.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
}

function checkOptions(
  form: FormErrors,
  path: readonly (string | number)[],
  options: readonly OptionDefinition[],
  depth: number,
): void {
  form.maxItems(path, options, 25);
  const names = new Set<string>();
  let sawOptional = false;
  const subcommands = options.filter(({ type }) => SUBCOMMAND_TYPES.includes(type)).length;
  if (subcommands > 0 && subcommands < options.length) {
    form.add(
      path,
      "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
      "Sub-command and sub-command group option types are mutually exclusive to all other types",
    );
  }
  for (const [index, option] of options.entries()) {
    const here = [...path, index];
    checkSlashName(form, [...here, "name"], option.name);
    checkDescription(form, [...here, "description"], option.description);
    if (names.has(option.name)) {
      form.add([...here, "name"], "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists");
    }
    names.add(option.name);
    if (option.required && sawOptional) {
      form.add(
        here,
        "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        "Required options must be placed before non-required options",
      );
    }
    sawOptional ||= !option.required && !SUBCOMMAND_TYPES.includes(option.type);
    checkChoices(form, here, option);
    if (!SUBCOMMAND_TYPES.includes(option.type)) continue;
    const isNestedTooDeep = depth > 1 || (depth === 1 && option.type === ApplicationCommandOptionType.SubcommandGroup);
    if (isNestedTooDeep)
      form.add(here, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-commands cannot be nested that deep");
    checkOptions(form, [...here, "options"], option.options ?? [], depth + 1);
  }
}

function checkChoices(form: FormErrors, path: readonly (string | number)[], option: OptionDefinition): void {
  form.maxItems([...path, "choices"], option.choices, 25);
  if (option.choices?.length && option.autocomplete) {
    form.add(
      [...path, "choices"],
      "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE",
      "Choices and autocomplete exclude each other",
    );
  }
  for (const [index, choice] of (option.choices ?? []).entries()) {
    form.maxLength([...path, "choices", index, "name"], choice.name, 100);
    if (typeof choice.value === "string") form.maxLength([...path, "choices", index, "value"], choice.value, 100);
  }
}

function textLength(definition: CommandDefinition | OptionDefinition): number {
  const choices = "choices" in definition ? (definition.choices ?? []) : [];
  const own = definition.name.length + (definition.description?.length ?? 0);
  const inChoices = choices.reduce((sum, { name, value }) => sum + name.length + String(value).length, 0);
  return own + inChoices + (definition.options ?? []).reduce((sum, option) => sum + textLength(option), 0);
}

/** A command as the API gives it back; lists leave the localizations out unless asked. */
export function renderCommand(state: State, command: Command, withLocalizations = true): ApiObject {
  const definition = command.definition as CommandDefinition;
  const permissions = definition.default_member_permissions;
  return {
    id: command.id,
    application_id: state.applicationId,
    version: command.version,
    type: command.type,
    name: definition.name,
    description: definition.description ?? "",
    default_member_permissions: permissions === undefined || permissions === null ? null : String(permissions),
    dm_permission: definition.dm_permission ?? true,
    contexts: definition.contexts ?? null,
    integration_types: definition.integration_types ?? [0],
    nsfw: definition.nsfw ?? false,
    ...(definition.options?.length
      ? { options: definition.options.map((option) => renderOption(option, withLocalizations)) }
      : {}),
    ...(withLocalizations
      ? {
          name_localizations: definition.name_localizations ?? null,
          description_localizations: definition.description_localizations ?? null,
        }
      : {}),
    ...(command.guildId ? { guild_id: command.guildId } : {}),
  };
}

function renderOption(option: OptionDefinition, withLocalizations: boolean): ApiObject {
  const kept = Object.entries(option).filter(
    ([key, value]) =>
      value !== null &&
      value !== undefined &&
      value !== false &&
      (withLocalizations || !key.endsWith("_localizations")),
  );
  return {
    ...Object.fromEntries(kept),
    ...(option.options ? { options: option.options.map((inner) => renderOption(inner, withLocalizations)) } : {}),
  };
}
