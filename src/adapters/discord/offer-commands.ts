// Registers our commands as soon as Discord is there.

import { join } from "node:path";
import type { Client, RESTPostAPIApplicationCommandsJSONBody } from "discord.js";
import type { Logger } from "../../ports/logger.ts";
import { registerCommands } from "./command-registration.ts";
import { clientReady } from "./connection.ts";
import { hasFirstShard } from "./shards.ts";

/** One process does it for all: the one with the first shard. Ends without an error when the signal aborts. */
export async function offerCommands(
  client: Client,
  definitions: readonly RESTPostAPIApplicationCommandsJSONBody[],
  { dataDir, logger, signal }: { readonly dataDir: string; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  await clientReady(client, signal);
  if (signal.aborted || !hasFirstShard(client)) return;
  const memoryFile = join(dataDir, "registered-commands.json");
  await registerCommands(client, definitions, { logger, memoryFile, signal }).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown;
  });
}
