// Tells Discord of Backscroll's commands, one by one: a bulk registration replaces all of an application's commands, and a host
// bot's must stay.

import { setMaxListeners } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import {
  type APIApplicationCommand,
  type Client,
  type RESTPostAPIApplicationCommandsJSONBody,
  Routes,
} from "discord.js";
import { ApplicationCommandType } from "discord-api-types/v10";
import { z } from "zod";
import { toError, UserError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import { isNotFound, translateDiscordError } from "./discord-errors.ts";

type Definition = RESTPostAPIApplicationCommandsJSONBody;

interface RegistrationParts {
  readonly logger: Logger;
  readonly memoryFile: string;
  readonly signal: AbortSignal;
}

/**
 * Adds or updates these global commands; sends nothing for those that Discord already has. A command with the same name and type is
 * taken for an older version of ours and replaced, so a host with one of that name chooses a prefix.
 * Nothing marks a command as ours on Discord, so they are remembered: those that are defined no more (another prefix, a newer
 * version) are deleted, unless the host has made something else of them.
 * @param memoryFile where the ids are remembered; made if it does not exist
 * @param signal breaks it off: what is left undone is done at the next start
 * @throws TransientError, UserError
 */
export async function registerCommands(
  client: Client,
  definitions: readonly Definition[],
  { logger, memoryFile, signal }: RegistrationParts,
): Promise<void> {
  const applicationId = client.application?.id;
  if (!applicationId) throw new UserError("Commands can be registered once the client is ready.");
  const memory = await readMemory(memoryFile, logger);
  // discord.js leaves a listener for each request: these few are no leak to be warned of.
  setMaxListeners(0, signal);
  try {
    const registered = (await client.rest.get(Routes.applicationCommands(applicationId), {
      query: new URLSearchParams({ with_localizations: "true" }),
      signal,
    })) as APIApplicationCommand[];

    const ours: Remembered[] = [];
    for (const definition of definitions) {
      const former = registered.find((command) => isSameCommand(command, definition));
      if (former && isCurrent(former, definition)) {
        ours.push({ id: former.id, definition });
        continue;
      }
      // A POST with the name of an existing command updates it.
      const asked = { body: definition, signal };
      const saved = (await client.rest.post(Routes.applicationCommands(applicationId), asked)) as APIApplicationCommand;
      ours.push({ id: saved.id, definition });
      logger.info(former ? "command:updated" : "command:added", { name: definition.name });
    }

    const outdated = (memory[applicationId] ?? []).filter(({ id }) => !ours.some((command) => command.id === id));
    const left = await removeOutdated(client, applicationId, registered, outdated, { logger, signal });
    await writeMemory(memoryFile, { ...memory, [applicationId]: [...ours, ...left] }, logger);
  } catch (error) {
    throw translateDiscordError(error, "register my commands");
  }
}

/** @returns those that could not be deleted now */
async function removeOutdated(
  client: Client,
  applicationId: Snowflake,
  registered: readonly APIApplicationCommand[],
  outdated: readonly Remembered[],
  { logger, signal }: Pick<RegistrationParts, "logger" | "signal">,
): Promise<Remembered[]> {
  const left: Remembered[] = [];
  for (const remembered of outdated) {
    const { id, definition } = remembered;
    const command = registered.find((each) => each.id === id);
    // Whoever registers a command by the name of an existing one gets its id: it may be the host's by now.
    if (!command || !isSameCommand(command, definition) || !isCurrent(command, definition)) continue;
    try {
      await client.rest.delete(Routes.applicationCommand(applicationId, id), { signal });
      logger.info("command:removed", { name: definition.name });
    } catch (error) {
      if (isNotFound(error)) continue;
      logger.warn("command:not-removed", { name: definition.name, error: toError(error).message });
      left.push(remembered);
    }
  }
  return left;
}

interface Remembered {
  readonly id: Snowflake;
  /** As we registered it. */
  readonly definition: Definition;
}

const memorySchema = z.record(
  z.string(),
  z.array(z.object({ id: z.string(), definition: z.looseObject({ name: z.string() }) })),
);
/** By application: a data folder may be used with another bot's token one day. */
type Memory = Readonly<Record<string, readonly Remembered[]>>;

async function readMemory(file: string, logger: Logger): Promise<Memory> {
  try {
    return memorySchema.parse(JSON.parse(await readFile(file, "utf8"))) as unknown as Memory;
  } catch (thrown) {
    // Absent or damaged: then a command that is defined no more stays on Discord, which does no harm.
    logger.debug("commands:none-remembered", { reason: toError(thrown).message });
    return {};
  }
}

async function writeMemory(file: string, memory: Memory, logger: Logger): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(memory, null, 2)}\n`);
  } catch (thrown) {
    logger.warn("commands:not-remembered", { reason: toError(thrown).message });
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
