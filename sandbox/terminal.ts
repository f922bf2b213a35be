// Discord in a terminal: messages as text, and slash commands typed as one would type them in Discord.

import {
  type APIEmbed,
  type APIMessage,
  ApplicationCommandType,
  type RESTPostAPIApplicationCommandsJSONBody,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from "discord-api-types/v10";
import type { CommandDefinition, OptionValues } from "./command-shapes.ts";
import { readTyped, type TypeableCommand, typeableCommands, typedValues } from "./typed-command.ts";

type Definition = RESTPostAPIApplicationCommandsJSONBody;

function isSlash(definition: Definition): definition is RESTPostAPIChatInputApplicationCommandsJSONBody {
  return definition.type === undefined || definition.type === ApplicationCommandType.ChatInput;
}

const bold = (text: string) => `\u001b[1m${text}\u001b[22m`;
const dim = (text: string) => `\u001b[2m${text}\u001b[22m`;

/** Discord's timestamps and markup as a person reads them. */
function readable(text: string, nameOf: (id: string) => string): string {
  return (
    text
      .replace(/<t:(\d+)(?::(\w))?>/g, (_, seconds: string, style: string | undefined) =>
        style === "R" ? relativeTime(Number(seconds) * 1000) : new Date(Number(seconds) * 1000).toLocaleString("en-GB"),
      )
      .replace(/<(@&?|#)(\d+)>/g, (_, mark: string, id: string) => `${mark.charAt(0)}${nameOf(id)}`)
      // Not what begins with the terminal's own bracket.
      .replace(/\[([^\][]+)\]\((\S+?)\)/g, (_, label: string, url: string) => `${label} ${dim(url)}`)
      .replace(/\*\*(.+?)\*\*/gs, (_, inner: string) => bold(inner))
      .replace(/\\([\\*_~`|[\]<>#@])/g, "$1")
  );
}

function clockTime(timestamp: string): string {
  return new Date(timestamp).toLocaleTimeString("en-GB");
}

function relativeTime(timeMs: number): string {
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const seconds = (timeMs - Date.now()) / 1000;
  const units = [
    ["year", 31_557_600],
    ["month", 2_629_800],
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ] as const;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? (["second", 1] as const);
  return format.format(Math.round(seconds / size), unit);
}

function embedLines(embed: APIEmbed): string[] {
  const fields = (embed.fields ?? []).flatMap(({ name, value }) => [bold(name), value]);
  return [
    ...(embed.author ? [embed.author.name] : []),
    ...(embed.title ? [bold(embed.title)] : []),
    ...(embed.description ? [embed.description] : []),
    ...fields,
    ...(embed.footer
      ? [dim([embed.footer.text, embed.timestamp && clockTime(embed.timestamp)].filter(Boolean).join(" "))]
      : []),
  ];
}

/** A message as lines of text, its buttons in brackets. */
export function renderInTerminal(message: APIMessage, nameOf: (id: string) => string): string {
  const embeds = message.embeds.flatMap((embed) => [
    "",
    ...embedLines(embed)
      .flatMap((part) => part.split("\n"))
      .map((line) => `▏ ${line}`),
  ]);
  const files = message.attachments.map(
    ({ filename, title, description }) => `📎 ${title ?? filename}${description ? ` (${description})` : ""}`,
  );
  const buttons = (message.components ?? []).flatMap((row) =>
    "components" in row
      ? row.components.flatMap((part) => ("label" in part && part.label ? [`[ ${part.label} ]`] : []))
      : [],
  );
  const lines = [message.content, ...embeds, ...files, buttons.join("  ")].filter((line, at) => line !== "" || at > 0);
  return readable(lines.join("\n").trim(), nameOf);
}

/** A reply on the way says in a sentence how far it is; the answer has something to read in a box, to press, or to open. */
export function isAnswer(message: APIMessage): boolean {
  const { embeds, components = [], attachments } = message;
  return embeds.length + components.length + attachments.length > 0;
}

export interface TypedCommand {
  readonly name: string;
  readonly group?: string;
  readonly subcommand?: string;
  readonly options: OptionValues;
}

/**
 * Reads "/search query: noisy brakes channel: #help", or, for a command whose first option is text, "/search noisy brakes".
 * @param idOf an id for "#channel" or "@member"
 * @throws Error saying what does not fit
 */
export function parseTyped(
  line: string,
  definitions: readonly Definition[],
  idOf: (mention: string) => string | undefined,
): TypedCommand {
  const commands = typeableCommands(definitions.filter(isSlash) as CommandDefinition[]);
  const typed = readTyped(line.trim(), commands);
  if (typed === undefined) {
    const name = /^\/\S+/.exec(line.trim())?.[0] ?? line;
    const meant = commands
      .filter(({ path }) => `/${path}`.startsWith(`${name} `))
      .map(({ group, subcommand }) => [group, subcommand].filter(Boolean).join(" "));
    throw new Error(meant.length > 0 ? `${name} wants one of: ${meant.join(", ")}` : `there is no ${name}; type help`);
  }
  const { name, group, subcommand } = typed.command;
  return { name, ...(group && { group }), ...(subcommand && { subcommand }), options: typedValues(typed, idOf) };
}

/** What can be typed, from the registered definitions. */
export function helpText(commands: readonly Definition[]): string {
  const lines = typeableCommands(commands.filter(isSlash) as CommandDefinition[]).map(
    ({ path, description, options }) => usage(`/${path}`, description, options),
  );
  return [
    ...lines,
    "as @member …          type as somebody else (or: as admin, as member)",
    "say #channel text     write a message",
    "press LABEL           press a button of the latest reply, or of the progress message",
    "help, quit",
  ].join("\n");
}

function usage(name: string, description: string, options: TypeableCommand["options"]): string {
  const words = options.map((option) => (option.required ? `${option.name}: …` : `[${option.name}: …]`)).join(" ");
  return `${bold(`${name} ${words}`.trim())}\n    ${description}`;
}
