// What somebody typed into a message box, read against the registered commands: "/backfill start pace: gentle". Pure; the
// terminal and the page in the browser both read commands with it.

import { ApplicationCommandOptionType as OptionType } from "discord-api-types/v10";
import type { CommandDefinition, OptionDefinition, OptionValues } from "./command-shapes.ts";

/** A slash command or one of its subcommands, as it is typed. */
export interface TypeableCommand {
  /** Without the slash, e.g. "backfill start". */
  readonly path: string;
  readonly description: string;
  readonly name: string;
  readonly group?: string;
  readonly subcommand?: string;
  readonly options: readonly OptionDefinition[];
}

export interface TypedOption {
  readonly definition: OptionDefinition;
  /** As typed, without surrounding space. */
  readonly text: string;
  /** Where the value begins in the line. */
  readonly at: number;
}

export interface TypedLine {
  readonly command: TypeableCommand;
  readonly options: readonly TypedOption[];
  /** Words before the first "option:"; they are the first option's value if that one takes text. */
  readonly lead: string;
  /** All that stands behind the command. */
  readonly written: string;
}

/** Every slash command and subcommand, in the order of their definitions. */
export function typeableCommands(definitions: readonly CommandDefinition[]): TypeableCommand[] {
  return definitions.flatMap((command) => {
    const { name, description, options } = command;
    const own = options ?? [];
    if (!own.some(isNested)) return [{ path: name, description: description ?? "", name, options: own }];
    return own.filter(isNested).flatMap((nested) => {
      if (nested.type === OptionType.Subcommand) return [subcommand(name, undefined, nested)];
      return (nested.options ?? []).map((inner) => subcommand(name, nested.name, inner));
    });
  });
}

function isNested({ type }: OptionDefinition): boolean {
  return type === OptionType.Subcommand || type === OptionType.SubcommandGroup;
}

function subcommand(name: string, group: string | undefined, option: OptionDefinition): TypeableCommand {
  return {
    path: [name, group, option.name].filter(Boolean).join(" "),
    description: option.description,
    name,
    ...(group && { group }),
    subcommand: option.name,
    options: option.options ?? [],
  };
}

/** @returns undefined when the line names no command in full */
export function readTyped(line: string, commands: readonly TypeableCommand[]): TypedLine | undefined {
  const command = commands.find(({ path }) => line === `/${path}` || line.startsWith(`/${path} `));
  if (command === undefined) return undefined;
  const start = command.path.length + 1;
  const marks = marksIn(line, start, command.options);
  const options = marks.flatMap(({ definition, from }, index): TypedOption[] => {
    const raw = line.slice(from, marks[index + 1]?.at ?? line.length);
    return [{ definition, text: raw.trim(), at: from + (raw.length - raw.trimStart().length) }];
  });
  return {
    command,
    options,
    lead: line.slice(start, marks[0]?.at ?? line.length).trim(),
    written: line.slice(start).trim(),
  };
}

/**
 * Where each "option:" stands, once per option: what repeats belongs to the value before it. So does "before:2026-07-01" in the midst of a
 * text that is being written: an option that takes text begins with a space after its name there.
 */
function marksIn(line: string, start: number, definitions: readonly OptionDefinition[]) {
  const names = definitions.map(({ name }) => name.replace(/[^\p{L}\p{N}_-]/gu, "\\$&"));
  if (names.length === 0) return [];
  const seen = new Set<string>();
  return [...line.slice(start).matchAll(new RegExp(`(?:^|\\s)(${names.join("|")}):`, "gu"))].flatMap((found) => {
    const definition = definitions.find(({ name }) => name === found[1]);
    if (definition === undefined || seen.has(definition.name)) return [];
    const from = start + found.index + found[0].length;
    const isInText = line.slice(start, start + found.index).trim() !== "";
    if (isInText && takesText(definition) && /\S/.test(line.charAt(from))) return [];
    seen.add(definition.name);
    return [{ definition, at: start + found.index, from }];
  });
}

const takesText = ({ type, choices = [] }: OptionDefinition) => type === OptionType.String && choices.length === 0;

/**
 * The values to send.
 * @param idOf an id for "#channel", "@member" or "@role"
 * @throws Error saying what is missing or does not fit
 */
export function typedValues(
  { command, options, lead, written }: TypedLine,
  idOf: (mention: string) => string | undefined,
) {
  const values: Record<string, OptionValues[string]> = {};
  const [first] = command.options;
  const unsaid = first && lead === "" ? unsaidText(first, options, written) : "";
  if (first && unsaid !== "") return { [first.name]: unsaid };
  if (lead !== "") {
    const takesLead = first !== undefined && !options.some(({ definition }) => definition === first);
    if (!takesLead) throw new Error(`/${command.path} does not know what to do with “${lead}”`);
    values[first.name] = toValue(first, lead, idOf);
  }
  for (const { definition, text } of options) {
    if (text !== "") values[definition.name] = toValue(definition, text, idOf);
  }
  const missing = command.options.find(({ name, required }) => required && values[name] === undefined);
  if (missing) throw new Error(`/${command.path} needs “${missing.name}”: ${missing.description}`);
  return values;
}

/** "/search after:march": who leaves out the text that is needed has written it, in words that look like options. */
function unsaidText({ name, type, required }: OptionDefinition, options: readonly TypedOption[], written: string) {
  const isSaid = options.some(({ definition, text }) => definition.name === name && text !== "");
  if (!required || type !== OptionType.String || isSaid) return "";
  return written.startsWith(`${name}:`) ? written.slice(name.length + 1).trim() : written;
}

function toValue(
  { type, name, choices }: OptionDefinition,
  text: string,
  idOf: (mention: string) => string | undefined,
): string | number | boolean {
  const sought = text.toLowerCase();
  const choice = choices?.find((each) => each.name.toLowerCase() === sought || String(each.value) === text);
  if (choice) return choice.value;
  switch (type) {
    case OptionType.Boolean:
      if (!/^(yes|true|on|no|false|off)$/i.test(text)) throw new Error(`${name} is True or False, not ${text}`);
      return /^(yes|true|on)$/i.test(text);
    case OptionType.Integer:
    case OptionType.Number:
      if (!Number.isFinite(Number(text))) throw new Error(`${name} is a number, not ${text}`);
      return Number(text);
    case OptionType.Channel:
    case OptionType.User:
    case OptionType.Role:
    case OptionType.Mentionable: {
      const id = idOf(text);
      if (id === undefined) throw new Error(`${name}: there is no ${text}`);
      return id;
    }
    default:
      return text;
  }
}
