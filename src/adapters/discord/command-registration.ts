// Tells Discord of Backscroll's commands, one by one: a bulk registration replaces all of an application's commands, and a host
// bot's must stay. One round of it; offer-commands.ts says when.

import { setMaxListeners } from "node:events";
import {
  type APIApplicationCommand,
  type Client,
  type RESTPostAPIApplicationCommandsJSONBody,
  Routes,
} from "discord.js";
import { toError, UserError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";
import { isCurrent, isOurs, isSameCommand } from "./command-identity.ts";
import { type Remembered, readMemory, writeMemory } from "./command-memory.ts";
import { isNotFound, translateDiscordError } from "./discord-errors.ts";

type Definition = RESTPostAPIApplicationCommandsJSONBody;

export interface RegistrationParts {
  readonly logger: Logger;
  readonly memoryFile: string;
  readonly signal: AbortSignal;
  /** Default false: a command that has the name and type of one of ours, and is not ours, stays. True: ours takes its place. */
  readonly replace?: boolean | undefined;
  /** Default false. True: nothing is changed on Discord, only looked at. */
  readonly lookOnly?: boolean | undefined;
  /** Asked before a command that has gone from Discord is registered once more. Default: it is. */
  mayPutBack?(definition: Definition): boolean;
}

export interface Registration {
  /** Those whose names are other commands'. */
  readonly taken: readonly Definition[];
  /** Those that were there before, and have gone. */
  readonly gone: readonly Definition[];
}

/**
 * Adds or updates these global commands; sends nothing for those that Discord already has. What has the name of one of them and is
 * not ours is left alone.
 * Nothing marks a command as ours on Discord, so they are remembered: those that are defined no more (another prefix, a newer
 * version) are deleted, unless the host has made something else of them.
 * @param parts `memoryFile`: where the ids are remembered; made if it does not exist. `signal` breaks it off: what is left undone
 *   is done at the next start
 * @throws TransientError, UserError
 */
export async function registerCommands(
  client: Client,
  definitions: readonly Definition[],
  parts: RegistrationParts,
): Promise<Registration> {
  const { logger, memoryFile, signal, replace = false, lookOnly = false, mayPutBack = () => true } = parts;
  const applicationId = requireApplicationId(client);
  const memory = await readMemory(memoryFile, applicationId, logger);
  const rememberedAs = (id: Snowflake) => memory.commands.find((each) => each.id === id)?.definition;
  // discord.js leaves a listener for each request: these few are no leak to be warned of.
  setMaxListeners(0, signal);
  try {
    const registered = await fetchCommands(client, applicationId, signal);
    const ours: Remembered[] = [];
    const taken: Definition[] = [];
    const gone: Definition[] = [];
    for (const definition of definitions) {
      const former = registered.find((command) => isSameCommand(command, definition));
      if (former && isCurrent(former, definition)) {
        ours.push({ id: former.id, definition });
        continue;
      }
      if (former && !replace && !isOurs(former, definition, rememberedAs(former.id))) {
        taken.push(definition);
        continue;
      }
      const known = memory.commands.find((each) => isSameDefinition(each.definition, definition));
      if (former === undefined && known !== undefined) {
        gone.push(definition);
        if (!mayPutBack(definition)) {
          ours.push(known);
          continue;
        }
      }
      if (lookOnly) continue;
      // A POST with the name of an existing command updates it.
      const asked = { body: definition, signal };
      const saved = (await client.rest.post(Routes.applicationCommands(applicationId), asked)) as APIApplicationCommand;
      ours.push({ id: saved.id, definition });
      logger.info(former ? "command:updated" : "command:added", { name: definition.name });
    }
    if (lookOnly) return { taken, gone };

    const outdated = memory.commands.filter(({ id }) => !ours.some((command) => command.id === id));
    const left = await removeCommands(client, applicationId, registered, outdated, { logger, signal });
    const commands = [...ours, ...left];
    if (JSON.stringify(commands) !== JSON.stringify(memory.commands))
      await writeMemory(memoryFile, applicationId, { ...memory, commands }, logger);
    return { taken, gone };
  } catch (error) {
    throw translateDiscordError(error, "register my commands");
  }
}

/**
 * Takes our commands off Discord, and forgets them; what is not ours stays.
 * @throws UserError naming those that could not be deleted; TransientError
 */
export async function unregisterCommands(
  client: Client,
  definitions: readonly Definition[],
  { logger, memoryFile }: Pick<RegistrationParts, "logger" | "memoryFile">,
): Promise<void> {
  const applicationId = requireApplicationId(client);
  const memory = await readMemory(memoryFile, applicationId, logger);
  let left: Remembered[];
  try {
    const registered = await fetchCommands(client, applicationId);
    const current = registered.flatMap((command) => {
      const definition = definitions.find((each) => isSameCommand(command, each) && isCurrent(command, each));
      return definition === undefined ? [] : [{ id: command.id, definition }];
    });
    const others = memory.commands.filter(({ id }) => !current.some((each) => each.id === id));
    left = await removeCommands(client, applicationId, registered, [...current, ...others], { logger });
  } catch (error) {
    throw translateDiscordError(error, "take my commands off Discord");
  }
  await writeMemory(memoryFile, applicationId, { commands: left, told: [] }, logger);
  if (left.length === 0) return;
  const names = left.map(({ definition }) => definition.name).join(", ");
  throw new UserError(`These commands could not be taken off Discord: ${names}. The log says why.`);
}

function requireApplicationId(client: Client): Snowflake {
  const applicationId = client.application?.id;
  if (applicationId) return applicationId;
  throw new UserError("Commands can be registered, and taken off, once the client is ready.");
}

async function fetchCommands(
  client: Client,
  applicationId: Snowflake,
  signal?: AbortSignal,
): Promise<APIApplicationCommand[]> {
  return (await client.rest.get(Routes.applicationCommands(applicationId), {
    query: new URLSearchParams({ with_localizations: "true" }),
    ...(signal && { signal }),
  })) as APIApplicationCommand[];
}

/** @returns those that could not be deleted now */
async function removeCommands(
  client: Client,
  applicationId: Snowflake,
  registered: readonly APIApplicationCommand[],
  unwanted: readonly Remembered[],
  { logger, signal }: { readonly logger: Logger; readonly signal?: AbortSignal },
): Promise<Remembered[]> {
  const left: Remembered[] = [];
  for (const remembered of unwanted) {
    const { id, definition } = remembered;
    const command = registered.find((each) => each.id === id);
    // Whoever registers a command by the name of an existing one gets its id: it may be the host's by now.
    if (!command || !isSameCommand(command, definition) || !isCurrent(command, definition)) continue;
    try {
      await client.rest.delete(Routes.applicationCommand(applicationId, id), { ...(signal && { signal }) });
      logger.info("command:removed", { name: definition.name });
    } catch (error) {
      if (isNotFound(error)) continue;
      logger.warn("command:not-removed", { name: definition.name, error: toError(error).message });
      left.push(remembered);
    }
  }
  return left;
}

const isSameDefinition = (one: Definition, other: Definition) =>
  one.name === other.name && (one.type ?? 1) === (other.type ?? 1);
