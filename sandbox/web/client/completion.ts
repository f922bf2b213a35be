// What the message box offers while somebody types: commands, then their options, then values. Pure; the box shows it.

import { ApplicationCommandOptionType as OptionType } from "discord-api-types/v10";
import type { OptionDefinition } from "../../command-shapes.ts";
import { readTyped, type TypeableCommand, type TypedLine, type TypedOption } from "../../typed-command.ts";
import type { Directory } from "../wire.ts";

const MOST_SHOWN = 25;

export interface Suggestion {
  readonly label: string;
  readonly detail: string;
  /** The whole line when this is taken. */
  readonly line: string;
  /** What stands in the line, and what it means to the bot; for values that are sent as something else. */
  readonly meaning?: { readonly text: string; readonly value: string | number };
}

export interface Completion {
  readonly heading: string;
  readonly suggestions: readonly Suggestion[];
  /** Enter takes the first one; otherwise Enter sends the line as it is, and Tab or an arrow chooses. */
  readonly eager: boolean;
  /** The command being typed, once its name is complete. */
  readonly typed?: TypedLine;
  /** The option being typed. */
  readonly current?: TypedOption;
}

const none: Completion = { heading: "", suggestions: [], eager: false };

export type BotChoice = { readonly name: string; readonly value: string | number };

/** @param botChoices what the bot suggests for the current option, if it has autocomplete */
export function complete(
  line: string,
  commands: readonly TypeableCommand[],
  directory: Directory,
  botChoices: readonly BotChoice[] = [],
): Completion {
  if (!line.startsWith("/")) return completeMention(line, directory);
  const typed = readTyped(line, commands);
  if (typed === undefined || line === `/${typed.command.path}`) return completeCommand(line, commands, typed);
  const current = typed.options.at(-1);
  const values = current ? valuesOf(current.definition, directory, botChoices) : undefined;
  if (current === undefined || values === undefined) return completeOption(line, typed, current);
  const sought = current.text.toLowerCase().replace(/^[#@]/, "");
  if (
    values.some(({ label, text }) => [label, text].some((each) => each?.toLowerCase() === current.text.toLowerCase()))
  ) {
    return /\s$/.test(line) ? completeOption(line, typed, current) : { ...none, typed, current };
  }
  const matching = ranked(values, sought).map(({ label, detail, text = label, value }) => ({
    label,
    detail,
    line: `${line.slice(0, current.at)}${text} `,
    ...(value !== undefined && { meaning: { text, value } }),
  }));
  const heading = `${current.definition.name}: ${current.definition.description}`;
  return { heading, suggestions: matching, eager: true, typed, current };
}

/** The line once a command is chosen: its first needed option comes by itself. */
function lineFor({ path, options }: TypeableCommand): string {
  const needed = options.find(({ required }) => required);
  return needed ? `/${path} ${needed.name}: ` : `/${path} `;
}

function completeCommand(line: string, commands: readonly TypeableCommand[], typed: TypedLine | undefined): Completion {
  const entries = commands.map((command) => ({
    label: `/${command.path}`,
    detail: command.description,
    line: lineFor(command),
  }));
  const isReady = typed !== undefined && !typed.command.options.some(({ required }) => required);
  return {
    heading: "Commands",
    suggestions: ranked(entries, line.slice(1).trimEnd().toLowerCase()),
    eager: !isReady,
    ...(typed && { typed }),
  };
}

function completeOption(line: string, typed: TypedLine, current: TypedOption | undefined): Completion {
  const unused = typed.command.options.filter(
    ({ name }) => !typed.options.some(({ definition }) => definition.name === name),
  );
  const atWordEnd = /\s$/.test(line);
  // In running text only a space asks for more options, so that nothing jumps up while somebody writes.
  if (current && current.text === "") return { ...none, typed, current };
  if (current && !atWordEnd) return { ...none, typed, current };
  const sought = current ? "" : typed.lead.toLowerCase();
  const base = sought === "" ? line.trimEnd() : line.trimEnd().slice(0, -sought.length).trimEnd();
  const suggestions = ranked(
    unused.map(({ name, description, required }) => ({
      label: name,
      detail: required ? `${description} (needed)` : description,
      line: `${base} ${name}: `,
    })),
    sought,
  );
  // Half an option's name is meant as one, unless the command begins with a text that it needs.
  const isMissing = unused.some(({ required }) => required);
  const eager = suggestions.length > 0 && isMissing === (sought === "");
  return { heading: "Options", suggestions, eager, typed, ...(current && { current }) };
}

interface Offer {
  readonly label: string;
  readonly detail: string;
  /** What is put into the line, when it is not the label. */
  readonly text?: string;
  readonly value?: string | number;
}

/** A value that is a word of its own is typed as that word: "gentle", not "gentle: small steps with breaks". */
function toOffer({ name, value }: BotChoice): Offer {
  const isWord = /^\p{L}[\p{L}\p{N}_-]{0,31}$/u.test(String(value));
  return { label: name, detail: "", value, ...(isWord && { text: String(value) }) };
}

/** What an option can be; undefined for free text and numbers. */
function valuesOf(
  { type, choices, autocomplete, channel_types }: OptionDefinition,
  directory: Directory,
  botChoices: readonly BotChoice[],
): Offer[] | undefined {
  if (autocomplete) return botChoices.map(toOffer);
  if (choices?.length) return choices.map(toOffer);
  switch (type) {
    case OptionType.Boolean:
      return ["True", "False"].map((label) => ({ label, detail: "" }));
    case OptionType.Channel:
      return placesNamed(directory, channel_types);
    case OptionType.User:
    case OptionType.Mentionable:
      return peopleNamed(directory);
    case OptionType.Role:
      return directory.roles.map(({ name }) => ({ label: name.startsWith("@") ? name : `@${name}`, detail: "role" }));
    default:
      return undefined;
  }
}

function placesNamed({ places }: Directory, types: readonly number[] | undefined) {
  const takesThreads = types === undefined || types.some((type) => type >= 10 && type <= 12);
  const shown = places.filter(({ kind }) => kind !== "category" && (takesThreads || kind !== "thread"));
  return shown.map(({ name, kind, topic }) => ({ label: `#${name}`, detail: kind === "thread" ? "thread" : topic }));
}

function peopleNamed({ people }: Directory) {
  const known = people.filter(({ member }) => member);
  return known.map(({ name, bot, roles }) => ({ label: `@${name}`, detail: bot ? "app" : roles.join(", ") }));
}

/** "@ka" or "#ge" at the end of a message. */
function completeMention(line: string, directory: Directory): Completion {
  const found = /(?:^|\s)([#@])([\w-]*)$/.exec(line);
  if (!found) return none;
  const [, mark, word = ""] = found;
  const values = mark === "#" ? placesNamed(directory, undefined) : peopleNamed(directory);
  if (values.some(({ label }) => label === mark + word)) return none;
  const base = line.slice(0, line.length - word.length - 1);
  const suggestions = ranked(values, word.toLowerCase()).map((each) => ({ ...each, line: `${base}${each.label} ` }));
  return { heading: mark === "#" ? "Channels" : "Members", suggestions: suggestions.slice(0, 8), eager: true };
}

/** Those that contain what is sought, those that begin with it first. */
function ranked<T extends { readonly label: string }>(entries: readonly T[], sought: string): T[] {
  const bare = (label: string) => label.toLowerCase().replace(/^[/#@]/, "");
  const matching = entries.filter(({ label }) => bare(label).includes(sought));
  const rank = ({ label }: T) => (bare(label).startsWith(sought) ? 0 : 1);
  return matching.sort((a, b) => rank(a) - rank(b)).slice(0, MOST_SHOWN);
}

/** An id for "#channel", "@member" or "@role", with or without the mark. */
export function mentionedId(directory: Directory, mention: string): string | undefined {
  const name = mention.replace(/^[#@]/, "");
  if (mention.startsWith("#")) return directory.places.find((place) => place.name === name)?.id;
  const person = directory.people.find((each) => each.name === name)?.id;
  const role = directory.roles.find((each) => each.name === name)?.id;
  return person ?? role ?? (mention.startsWith("@") ? undefined : directory.places.find((at) => at.name === name)?.id);
}

/** "@member" and "#channel" as Discord stores them. */
export function withMentions(text: string, directory: Directory): string {
  return text.replace(/(^|\s)([#@])([\w-]+)/g, (whole, before: string, mark: string, name: string) => {
    const id = mentionedId(directory, mark + name);
    if (id === undefined) return whole;
    const sign = mark === "#" ? "#" : directory.roles.some((role) => role.id === id) ? "@&" : "@";
    return `${before}<${sign}${id}>`;
  });
}
