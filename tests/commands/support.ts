// A real discord.js client logged into the stand-in, our commands registered and listening, and a scripted backfill behind them.

import { type Client, Events, type Interaction, Routes } from "discord.js";
import type { APIMessage } from "discord-api-types/v10";
import { onTestFinished } from "vitest";
import { toChannelInfo } from "../../src/adapters/discord/channel-info.ts";
import { systemClock } from "../../src/adapters/system.ts";
import type { Backfill } from "../../src/backfill/types.ts";
import type { CommandContext } from "../../src/commands/command.ts";
import { type CommandOptions, createCommands } from "../../src/commands/index.ts";
import { createNotes } from "../../src/indexing/live/notes.ts";
import { createPrivacy } from "../../src/indexing/live/privacy.ts";
import { createStorageRules } from "../../src/indexing/live/storage-rules.ts";
import type { Archive } from "../../src/ports/archive.ts";
import type { Logger } from "../../src/ports/logger.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import { openTestArchive } from "../support/archive.ts";
import { startDiscord, type TestDiscord, type TestDiscordOptions } from "../support/discord.ts";
import { exampleAnalysis, exampleGeneration, exampleStatus, exampleVerification } from "../views/examples.ts";

export interface TestCommands {
  readonly discord: TestDiscord;
  readonly client: Client<true>;
  readonly archive: Archive;
  /** What the backfill was asked, in order: "start" and its arguments, and so on. */
  readonly calls: { readonly method: string; readonly args: readonly unknown[] }[];
  readonly logged: { readonly event: string; readonly fields: Record<string, unknown> }[];
  /** Guilds whose notes changed. */
  readonly changed: Snowflake[];
}

export async function startCommands(
  parts: {
    readonly backfill?: Partial<Backfill>;
    readonly context?: Partial<CommandContext>;
    readonly options?: CommandOptions;
    readonly discord?: TestDiscordOptions;
    /** A host bot with a command `search` and listeners of its own. */
    readonly host?: (client: Client<true>) => void;
    /** Happens to every interaction before our commands hear of it. */
    readonly before?: (interaction: Interaction) => Promise<void>;
  } = {},
): Promise<TestCommands> {
  const discord = await startDiscord({ rateLimits: false, ...parts.discord });
  const client = await discord.login();
  const logged: { event: string; fields: Record<string, unknown> }[] = [];
  const log = (event: string, fields: Record<string, unknown> = {}) => void logged.push({ event, fields });
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const { archive, close } = await openTestArchive();
  onTestFinished(close);
  const calls: { method: string; args: readonly unknown[] }[] = [];
  const changed: Snowflake[] = [];
  const commands = createCommands(
    {
      backfill: scriptedBackfill(calls, parts.backfill),
      notes: createNotes({ archive, onChanged: async (guildId) => void changed.push(guildId) }),
      privacy: createPrivacy({
        archive,
        where: { isLocal: true, modelId: "test-embed", modelHost: undefined, keepDeletedHours: 24, isModelNear: true },
        onRemoval: (guildId) => void changed.push(guildId),
        onIncluded: (guildId) => void changed.push(guildId),
        clock: systemClock,
      }),
      rules: createStorageRules({
        archive,
        expiring: async () => [],
        onRemoval: (guildId) => void changed.push(guildId),
        onIncluded: (guildId) => void changed.push(guildId),
        now: systemClock.now,
      }),
      search: { search: noSearch, similar: noSearch, people: async () => [] },
      access: { filterFor: noSearch, filterForSharing: noSearch },
      archive,
      channelInfo: toChannelInfo,
      draw: async () => undefined,
      hostProblems: () => [],
      clock: systemClock,
      logger,
      ...parts.context,
    },
    parts.options,
  );
  const definitions = parts.host ? [{ name: "search", description: "The host's own" }] : [];
  await client.rest.put(Routes.applicationCommands(client.application.id), {
    body: [...definitions, ...commands.definitions],
  });
  parts.host?.(client);
  client.on(Events.InteractionCreate, async (interaction) => {
    await parts.before?.(interaction);
    await commands.handle(interaction);
  });
  return { discord, client, archive, calls, logged, changed };
}

/** For tests that do not search. */
async function noSearch(): Promise<never> {
  throw new Error("this test has no search");
}

function scriptedBackfill(
  calls: { method: string; args: readonly unknown[] }[],
  overrides: Partial<Backfill> = {},
): Backfill {
  const status = exampleStatus();
  const plain: Backfill = {
    analyze: async () => exampleAnalysis(),
    start: async () => ({ outcome: "started", status }),
    pause: async () => ({ outcome: "pausing", status }),
    status: async () => status,
    verify: async () => exampleVerification(),
    failures: async () => [],
    retry: async () => 3,
    rollback: async () => ({ removedRows: 7, verification: exampleVerification() }),
    formerIndex: async () => exampleGeneration(),
    rollbackIndex: async () => exampleGeneration(),
  };
  const scripted = { ...plain, ...overrides };
  const noted = <Name extends keyof Backfill>(method: Name): Backfill[Name] =>
    ((...args: unknown[]) => {
      calls.push({ method, args });
      return (scripted[method] as (...all: unknown[]) => unknown)(...args);
    }) as Backfill[Name];
  return {
    analyze: noted("analyze"),
    start: noted("start"),
    pause: noted("pause"),
    status: noted("status"),
    verify: noted("verify"),
    failures: noted("failures"),
    retry: noted("retry"),
    rollback: noted("rollback"),
    formerIndex: noted("formerIndex"),
    rollbackIndex: noted("rollbackIndex"),
  };
}

/** Everything a person reads in a message. */
export function read(message: APIMessage): string {
  const embeds = message.embeds.flatMap(({ title, description, fields = [], footer }) => [
    title,
    description,
    ...fields.flatMap(({ name, value }) => [name, value]),
    footer?.text,
  ]);
  return [message.content, ...embeds].filter(Boolean).join("\n");
}

/** The custom id of the button with this label. @throws Error when there is none */
export function buttonId(message: APIMessage, label: string): string {
  for (const row of message.components ?? []) {
    for (const component of "components" in row ? row.components : []) {
      if ("label" in component && component.label === label && "custom_id" in component) return component.custom_id;
    }
  }
  throw new Error(`no button "${label}" on: ${read(message)}`);
}
