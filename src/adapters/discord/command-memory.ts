// What is remembered of the commands that we registered with Discord, in a file of the data folder.

import { readFile, writeFile } from "node:fs/promises";
import type { RESTPostAPIApplicationCommandsJSONBody } from "discord.js";
import { z } from "zod";
import { toError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Snowflake } from "../../snowflake.ts";

export interface Remembered {
  readonly id: Snowflake;
  /** As we registered it. */
  readonly definition: RESTPostAPIApplicationCommandsJSONBody;
}

export interface CommandMemory {
  readonly commands: readonly Remembered[];
  /** What the admin channels have been told of, each in the form of `HostProblem` as a key. */
  readonly told: readonly string[];
}

const commandsSchema = z.array(
  z.object({ id: z.string(), definition: z.looseObject({ name: z.string() }) }),
) as unknown as z.ZodType<Remembered[]>;
/** Version 0.1 kept the list of commands alone. */
const memorySchema = z.union([
  z.object({ commands: commandsSchema, told: z.array(z.string()) }),
  commandsSchema.transform((commands) => ({ commands, told: [] })),
]);
/** By application: a data folder may be used with another bot's token one day. */
const fileSchema = z.record(z.string(), memorySchema);

export async function readMemory(file: string, applicationId: Snowflake, logger: Logger): Promise<CommandMemory> {
  return (await readAll(file, logger))[applicationId] ?? { commands: [], told: [] };
}

export async function writeMemory(
  file: string,
  applicationId: Snowflake,
  memory: CommandMemory,
  logger: Logger,
): Promise<void> {
  try {
    const all = { ...(await readAll(file, logger)), [applicationId]: memory };
    await writeFile(file, `${JSON.stringify(all, null, 2)}\n`);
  } catch (thrown) {
    logger.warn("commands:not-remembered", { reason: toError(thrown).message });
  }
}

async function readAll(file: string, logger: Logger): Promise<Readonly<Record<string, CommandMemory>>> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (thrown) {
    // Absent or damaged: then a command that is defined no more stays on Discord, which does no harm.
    logger.debug("commands:none-remembered", { reason: toError(thrown).message });
    return {};
  }
}
