// Tells Discord of Backscroll's commands, one by one: a bulk registration replaces all of an application's commands, and a host
// bot's must stay.

import { isDeepStrictEqual } from "node:util";
import {
  type APIApplicationCommand,
  type Client,
  type RESTPostAPIApplicationCommandsJSONBody,
  Routes,
} from "discord.js";
import { ApplicationCommandType } from "discord-api-types/v10";
import { UserError } from "../../errors.ts";
import type { Logger } from "../../ports.ts";
import type { Snowflake } from "../../snowflake.ts";
import { isNotFound, translateDiscordError } from "./discord-errors.ts";

type Definition = RESTPostAPIApplicationCommandsJSONBody;

/**
 * Adds or updates these global commands; sends nothing for those that Discord already has. A command with the same name and type is
 * taken for an older version of ours and replaced, so a host with one of that name chooses a prefix.
 * Nothing marks a command as ours on Discord; renamed ones go away only if the caller remembers the ids of the last call.
 * @param formerIds what an earlier call returned: those no longer defined are deleted
 * @returns the ids of the commands defined
 * @throws TransientError, UserError
 */
export async function registerCommands(
  client: Client,
  definitions: readonly Definition[],
  { logger, formerIds = [] }: { readonly logger: Logger; readonly formerIds?: readonly Snowflake[] },
): Promise<Snowflake[]> {
  const applicationId = client.application?.id;
  if (!applicationId) throw new UserError("Commands can be registered once the client is ready.");
  try {
    const registered = (await client.rest.get(Routes.applicationCommands(applicationId), {
      query: new URLSearchParams({ with_localizations: "true" }),
    })) as APIApplicationCommand[];

    const ids: Snowflake[] = [];
    for (const definition of definitions) {
      const former = registered.find((command) => isSameCommand(command, definition));
      if (former && isCurrent(former, definition)) {
        ids.push(former.id);
        continue;
      }
      // A POST with the name of an existing command updates it.
      const body = { body: definition };
      const saved = (await client.rest.post(Routes.applicationCommands(applicationId), body)) as APIApplicationCommand;
      ids.push(saved.id);
      logger.info(former ? "command:updated" : "command:added", { name: definition.name });
    }

    for (const id of formerIds.filter((formerId) => !ids.includes(formerId))) {
      await client.rest.delete(Routes.applicationCommand(applicationId, id)).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        logger.debug("command:already-gone", { id });
      });
    }
    return ids;
  } catch (error) {
    throw translateDiscordError(error, "register my commands");
  }
}

function isSameCommand(command: APIApplicationCommand, definition: Definition): boolean {
  return command.name === definition.name && command.type === (definition.type ?? ApplicationCommandType.ChatInput);
}

/** What Discord must have forgotten if a definition no longer says it; for all other fields it fills in defaults of its own. */
const COMPARED_ALWAYS = ["description", "options", "default_member_permissions", "nsfw"];

function isCurrent(command: APIApplicationCommand, definition: Definition): boolean {
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
