// Commands that a bot has registered for a single guild, as bots under development do: a host's may have the name of one of ours.

import {
  type APIApplicationCommand,
  type AutocompleteInteraction,
  type Client,
  type CommandInteraction,
  type RESTPostAPIApplicationCommandsJSONBody,
  Routes,
} from "discord.js";
import { toError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { isCurrent, isSameCommand } from "./command-identity.ts";

/** Whether it was registered for its guild alone, and is not one of ours that the host registered there. */
export async function isHostsGuildCommand(
  client: Client,
  { commandGuildId, commandId, commandName: name, applicationId }: CommandInteraction | AutocompleteInteraction,
  definitions: readonly RESTPostAPIApplicationCommandsJSONBody[],
  logger: Logger,
): Promise<boolean> {
  // We register for all guilds at once.
  if (commandGuildId === null) return false;
  try {
    const route = Routes.applicationGuildCommand(applicationId, commandGuildId, commandId);
    const command = (await client.rest.get(route)) as APIApplicationCommand;
    return !definitions.some((definition) => isSameCommand(command, definition) && isCurrent(command, definition));
  } catch (thrown) {
    logger.warn("command:not-told-apart", { name, guildId: commandGuildId, error: toError(thrown).message });
    return true;
  }
}
