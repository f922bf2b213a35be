// Whether a command that Discord has is one of ours, and as we define it. Nothing on Discord marks a command as ours.

import { isDeepStrictEqual } from "node:util";
import type { APIApplicationCommand, RESTPostAPIApplicationCommandsJSONBody } from "discord.js";
import { ApplicationCommandType } from "discord-api-types/v10";

type Definition = RESTPostAPIApplicationCommandsJSONBody;

export function isSameCommand(command: APIApplicationCommand, definition: Definition): boolean {
  return command.name === definition.name && command.type === (definition.type ?? ApplicationCommandType.ChatInput);
}

/**
 * Whether a command of this name is ours and not the host's: it is as we would register it, or as we once did, or it describes itself
 * in the same words.
 * @param remembered how we registered the command of this id; undefined when we do not remember that we did
 */
export function isOurs(
  command: APIApplicationCommand,
  definition: Definition,
  remembered: Definition | undefined,
): boolean {
  if (isCurrent(command, definition)) return true;
  // Whoever registers a command by the name of an existing one gets its id: it may be the host's by now.
  if (remembered !== undefined) return isCurrent(command, remembered);
  return "description" in definition && command.description === definition.description;
}

/** What Discord must have forgotten if a definition no longer says it; for all other fields it fills in defaults of its own. */
const COMPARED_ALWAYS = ["description", "options", "default_member_permissions", "nsfw"];

export function isCurrent(command: APIApplicationCommand, definition: Definition): boolean {
  const registered: Partial<Record<string, unknown>> = { ...command };
  const wanted: Partial<Record<string, unknown>> = { ...definition };
  const said = Object.keys(definition).filter((key) => key !== "type" && wanted[key] !== undefined);
  return [...COMPARED_ALWAYS, ...said].every((key) =>
    isDeepStrictEqual(significant(registered[key]), significant(wanted[key])),
  );
}

/** Without what Discord fills in for absent fields: null, false, "", empty lists and objects. */
function significant(value: unknown): unknown {
  if (value === null || value === false || value === "") return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(significant);
  if (typeof value !== "object") return value;
  const entries = Object.entries(value ?? {})
    .map(([key, inner]) => [key, significant(inner)] as const)
    .filter(([, inner]) => inner !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
