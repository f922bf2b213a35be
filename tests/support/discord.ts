// A running stand-in for Discord with a small guild in it, and real discord.js clients to log into it. For every test that needs
// a Discord. Everything is closed after the test, and a breach of Discord's official description fails it.

import { Client, type ClientOptions, Events, GatewayIntentBits, PermissionFlagsBits } from "discord.js";
import { afterEach, expect } from "vitest";
import { DEFAULT_PERMISSIONS } from "../../sandbox/guilds.ts";
import type { Channel, Guild, Role, User } from "../../sandbox/model.ts";
import { createSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/server.ts";

/** Everything a Backscroll bot asks for. */
export const ALL_INTENTS = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMembers,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.MessageContent,
];

export interface TestGuild {
  readonly guild: Guild;
  /** Owns the guild, and so may do everything. Also the application's owner. */
  readonly admin: User;
  /** Has the role `insiders`. */
  readonly ada: User;
  /** Has no role. */
  readonly ben: User;
  readonly insiders: Role;
  /** Everyone reads and writes. */
  readonly general: Channel;
  /** Only `insiders` and the bot. */
  readonly secret: Channel;
  /** Only the admin and the bot. */
  readonly adminChannel: Channel;
  /** In `general`; ada has joined. */
  readonly publicThread: Channel;
  /** In `general`; ada and the bot have joined. */
  readonly privateThread: Channel;
}

export interface TestDiscord extends Sandbox, TestGuild {
  /** The world's clock: real time plus what `advance` added. */
  readonly clock: { now(): number; advance(ms: number): void };
  /** Logs a real discord.js client in and waits until it is ready; destroyed after the test. */
  login(options?: Partial<ClientOptions>): Promise<Client<true>>;
  /** A client made but not logged in; destroyed after the test. */
  createClient(options?: Partial<ClientOptions>): Client;
}

const open: { close(): Promise<void>; violations: Sandbox["violations"] }[] = [];

afterEach(async () => {
  const closing = open.splice(0);
  await Promise.all(closing.map(({ close }) => close()));
  for (const { violations } of closing) expect(violations).toEqual([]);
});

export type TestDiscordOptions = Omit<SandboxOptions, "now"> & {
  /** What the bot's role may do. Default: what everyone may, plus Manage Threads and Manage Messages. */
  readonly botPermissions?: bigint;
  /** A test of the stand-in's own complaints looks at `violations` itself. */
  readonly mayViolate?: boolean;
};

/** Starts a stand-in with validation on. Rate limits are Discord's unless `rateLimits: false`. */
export async function startDiscord(options: TestDiscordOptions = {}): Promise<TestDiscord> {
  let advancedMs = 0;
  const now = () => Date.now() + advancedMs;
  const sandbox = await createSandbox({ validate: true, ...options, now });
  const clients: Client[] = [];

  const createClient = (clientOptions: Partial<ClientOptions> = {}): Client => {
    const client = new Client({
      intents: ALL_INTENTS,
      ...clientOptions,
      rest: { api: sandbox.apiUrl, ...clientOptions.rest },
    });
    clients.push(client);
    return client;
  };

  async function close(): Promise<void> {
    await Promise.all(clients.map((client) => client.destroy()));
    await sandbox.close();
  }
  open.push({ close, violations: options.mayViolate ? [] : sandbox.violations });

  return {
    ...sandbox,
    ...populate(sandbox, options.botPermissions),
    clock: {
      now,
      advance(ms) {
        advancedMs += ms;
      },
    },
    close,
    createClient,
    async login(clientOptions) {
      const client = createClient(clientOptions);
      const ready = new Promise<Client<true>>((resolve) => client.once(Events.ClientReady, resolve));
      await client.login(sandbox.token);
      return ready;
    },
  };
}

function populate({ world }: Sandbox, botPermissions?: bigint): TestGuild {
  const admin = world.owner;
  const guild = world.addGuild({
    name: "Test guild",
    ownerId: admin.id,
    botPermissions:
      botPermissions ?? DEFAULT_PERMISSIONS | PermissionFlagsBits.ManageThreads | PermissionFlagsBits.ManageMessages,
  });
  const insiders = world.addRole(guild.id, { name: "insiders" });
  const ada = world.addUser({ username: "ada", globalName: "Ada" });
  const ben = world.addUser({ username: "ben", globalName: "Ben" });
  world.addMember(guild.id, { userId: ada.id, roleIds: [insiders.id] });
  world.addMember(guild.id, { userId: ben.id });
  const hidden = { id: guild.id, deny: PermissionFlagsBits.ViewChannel };
  const shownTo = (id: string) => ({ id, allow: PermissionFlagsBits.ViewChannel });
  const general = world.addChannel({ guildId: guild.id, name: "general", topic: "Everything" });
  const secret = world.addChannel({
    guildId: guild.id,
    name: "secret",
    overwrites: [hidden, shownTo(insiders.id), shownTo(world.bot.id)],
  });
  const adminChannel = world.addChannel({
    guildId: guild.id,
    name: "admin",
    overwrites: [hidden, shownTo(world.bot.id)],
  });
  const publicThread = world.addThread({ parentId: general.id, name: "public thread", memberIds: [ada.id] });
  const privateThread = world.addThread({
    parentId: general.id,
    name: "private thread",
    private: true,
    memberIds: [ada.id, world.bot.id],
  });
  return { guild, admin, ada, ben, insiders, general, secret, adminChannel, publicThread, privateThread };
}
