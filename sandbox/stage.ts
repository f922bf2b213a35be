// The demo's stage: the stand-in with a community in it, and the real bot logged into it, in a data folder of its own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, GatewayIntentBits } from "discord.js";
import type { LogLevel } from "../src/app/config.ts";
import { attachBackscroll, type Backscroll } from "../src/attach.ts";
import type { Community } from "./populate.ts";
import { createSandbox, type Sandbox } from "./server.ts";
import { type PageServer, servePage } from "./web/server.ts";
import type { World } from "./world.ts";

/** Fits the disk of a small machine; the default of 10 GB would refuse to start there. */
const DEMO_DISK_LOW_BYTES = 200e6;
/** The stand-in has no rate limits in the demo, so the client need not keep Discord's. */
const REQUESTS_PER_SECOND = 1_000;

export interface Stage {
  readonly sandbox: Sandbox;
  readonly community: Community;
  readonly backscroll: Backscroll;
  /** The same world in the browser. */
  readonly page: PageServer;
  close(): Promise<void>;
}

/**
 * @param populate fills the world before the bot logs in
 * @param options.pagePort where the page is served, if that port is free
 */
export async function setStage(
  populate: (world: World) => Promise<Community> | Community,
  options: { readonly logLevel: LogLevel; readonly pagePort: number },
): Promise<Stage> {
  const opened: (() => Promise<unknown>)[] = [];
  async function close(): Promise<void> {
    for (const undo of opened.splice(0).reverse()) await undo();
  }
  try {
    const sandbox = await createSandbox({ rateLimits: false });
    opened.push(() => sandbox.close());
    const community = await populate(sandbox.world);
    const dataDir = await mkdtemp(join(tmpdir(), "backscroll-demo-"));
    opened.push(() => rm(dataDir, { recursive: true, force: true }));
    const client = new Client({
      intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
      rest: { api: sandbox.apiUrl, globalRequestsPerSecond: REQUESTS_PER_SECOND },
    });
    opened.push(() => client.destroy());
    const backscroll = await attachBackscroll(client, {
      dataDir,
      thresholds: { diskLowBytes: DEMO_DISK_LOW_BYTES },
      log: options.logLevel,
    });
    opened.push(() => backscroll.stop());
    await client.login(sandbox.token);
    await backscroll.ready;
    const page = await servePage(sandbox.world, {
      guildId: community.guildId,
      memberIds: [community.adminId, community.memberId],
      channelIds: [community.adminChannelId, community.lobbyId],
      port: options.pagePort,
    });
    opened.push(() => page.close());
    return { sandbox, community, backscroll, page, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
