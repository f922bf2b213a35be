// Our commands on Discord, as long as the bot runs: registered as soon as Discord is there, looked after while the host registers its
// own, and told apart from the host's when one is used.

import { join } from "node:path";
import type { Client, Interaction, RESTPostAPIApplicationCommandsJSONBody } from "discord.js";
import { within } from "../../async/abortable.ts";
import { TransientError, toError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { HostProblem } from "../../ports/discord.ts";
import type { Logger } from "../../ports/logger.ts";
import { readMemory, writeMemory } from "./command-memory.ts";
import { type Registration, registerCommands, unregisterCommands } from "./command-registration.ts";
import { clientReady } from "./connection.ts";
import { isHostsGuildCommand } from "./guild-commands.ts";
import { hasFirstShard } from "./shards.ts";

type Definition = RESTPostAPIApplicationCommandsJSONBody;

/** A host that registers all its commands in one go takes ours away: seen within a minute. */
const LOOK_EVERY_MS = 45_000;
/** Discord allows 200 new commands a day; a host that always takes ours away would use them up. */
const PUT_BACK_A_DAY = 5;
const DAY_MS = 24 * 60 * 60_000;
/** Discord wants an answer to a command within 3 s. */
const KNOWN_WITHIN_MS = 2_000;

export interface OfferParts {
  /** False: the host registers them itself, as it likes. */
  readonly register: boolean;
  readonly replace: boolean;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** What has not been told before. @returns whether somebody could be told */
  tell(problems: readonly HostProblem[]): Promise<boolean>;
}

export interface OfferedCommands {
  /** Resolves when they are registered, or when the signal aborts. @throws TransientError, UserError when that is refused */
  readonly registered: Promise<void>;
  /** Resolves when nothing is under way any more, after the signal has aborted. */
  readonly ended: Promise<void>;
  /** Whether it is ours to answer, or the host's that has the name of one of ours. Known within two seconds. */
  isOurs(interaction: Interaction): Promise<boolean>;
  problems(): readonly HostProblem[];
  /** Takes them off Discord. Call it once `ended`. @throws TransientError, UserError */
  unregister(): Promise<void>;
}

/** One process registers them for all: the one with the first shard. The others only look. */
export function offerCommands(client: Client, definitions: readonly Definition[], parts: OfferParts): OfferedCommands {
  const { register, replace, dataDir, clock, logger, signal } = parts;
  const memoryFile = join(dataDir, "registered-commands.json");
  const putBackAt = new Map<string, number[]>();
  let latest: Registration | undefined;
  let known: HostProblem[] = [];

  const often = ({ name }: Definition) => {
    const lately = (putBackAt.get(name) ?? []).filter((at) => clock.elapsed() - at < DAY_MS);
    putBackAt.set(name, lately);
    return lately.length >= PUT_BACK_A_DAY;
  };

  async function look(): Promise<void> {
    const lookOnly = !hasFirstShard(client);
    const isFirst = latest === undefined;
    latest = await registerCommands(client, definitions, {
      logger,
      memoryFile,
      signal,
      replace,
      lookOnly,
      mayPutBack: (definition) => isFirst || !often(definition),
    });
    if (!isFirst && !lookOnly) {
      for (const definition of latest.gone) {
        if (often(definition)) continue;
        putBackAt.get(definition.name)?.push(clock.elapsed());
        logger.warn("command:put-back", { name: definition.name });
      }
    }
    const taken = latest.taken.map((each) => ({ kind: "command-taken", command: shownName(each) }) as const);
    const removed = isFirst || lookOnly ? [] : latest.gone.filter(often);
    known = [...taken, ...removed.map((each) => ({ kind: "command-removed", command: shownName(each) }) as const)];
  }

  /** In the log each time it begins; in the admin channels once for as long as it lasts, also over restarts. */
  async function tellNew(before: readonly HostProblem[]): Promise<void> {
    const applicationId = client.application?.id;
    if (applicationId === undefined) return;
    const isIn = (some: readonly HostProblem[], one: HostProblem) => some.some((each) => keyOf(each) === keyOf(one));
    for (const problem of known)
      if (!isIn(before, problem))
        logger.warn(`command:${reason(problem)}`, { ...problem, remedy: remedies[problem.kind] });
    const memory = await readMemory(memoryFile, applicationId, logger);
    const fresh = known.filter((problem) => !memory.told.includes(keyOf(problem)));
    const isTold = fresh.length > 0 && (await parts.tell(fresh));
    const told = known.filter((problem) => isTold || !isIn(fresh, problem)).map(keyOf);
    if (!hasFirstShard(client) || JSON.stringify(told) === JSON.stringify(memory.told)) return;
    await writeMemory(memoryFile, applicationId, { ...memory, told }, logger);
  }

  async function registerFirst(): Promise<void> {
    await clientReady(client, signal);
    if (signal.aborted || !register) return;
    await look();
  }

  async function keepLooking(): Promise<void> {
    let before: readonly HostProblem[] = [];
    while (!signal.aborted && register) {
      try {
        if (latest !== undefined) await tellNew(before);
        before = known;
        await clock.sleep(LOOK_EVERY_MS, signal);
        if (!signal.aborted) await look();
      } catch (thrown) {
        if (signal.aborted) return;
        const level = thrown instanceof TransientError ? "debug" : "warn";
        logger[level]("commands:not-looked-at", { error: toError(thrown).message });
      }
    }
  }

  // What was refused at the start is tried again by whoever starts us again; what is broken off is done at the next start.
  const registered = registerFirst().catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown;
  });
  const ended = registered.then(keepLooking, () => undefined);

  async function isTaken(name: string, type: number): Promise<boolean> {
    if (latest === undefined)
      await within(
        KNOWN_WITHIN_MS,
        clock,
        registered.catch(() => undefined),
      );
    return latest?.taken.some((each) => each.name === name && (each.type ?? 1) === type) ?? false;
  }

  return {
    registered,
    ended,
    async isOurs(interaction) {
      if (!register || !(interaction.isCommand() || interaction.isAutocomplete())) return true;
      const { commandName, commandType } = interaction;
      if (!definitions.some(({ name }) => name === commandName)) return true;
      if (await isTaken(commandName, commandType)) return false;
      return !(await isHostsGuildCommand(client, interaction, definitions, logger));
    },
    problems: () => known,
    unregister: () => unregisterCommands(client, definitions, { logger, memoryFile }),
  };
}

/** As people see it. */
const shownName = ({ name, type = 1 }: Definition) => (type === 1 ? `/${name}` : `Apps → ${name}`);
const keyOf = (problem: HostProblem) =>
  `${problem.kind} ${problem.kind === "intent-lacking" ? problem.intent : problem.command}`;
const remedies = {
  "command-taken": "give ours other names with commandPrefix (COMMAND_PREFIX), or replace yours with replaceCommands",
  "command-removed": "add commandDefinitions to what registers the other commands",
  "intent-lacking": "add it to the client's intents",
} as const satisfies Record<HostProblem["kind"], string>;
const reason = ({ kind }: HostProblem) => (kind === "command-taken" ? "name-taken" : "removed-again");
