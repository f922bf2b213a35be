// Task: the real bot, logged into the stand-in for Discord that the bench runs, until it is told to stop.

import { Client, Events, GatewayIntentBits } from "discord.js";
import { attachBackscroll } from "../../src/attach.ts";
import { totals } from "../../src/backfill/run/run.ts";
import { GUILD } from "../records.ts";
import { MODEL, serverProfiles } from "../server-profiles.ts";
import { BENCH_DISK_LOW_BYTES, type EmbedderChoice, listeningLogger } from "../setup.ts";
import { type ProcessFigures, type TaskLine, watchProcess } from "../task.ts";

/** The stand-in refuses nothing, so the client need not keep Discord's limits. */
const REQUESTS_PER_SECOND = 1_000;

export interface BotOptions extends EmbedderChoice {
  readonly folder: string;
  readonly apiUrl: string;
  readonly token: string;
}

/** What the bot says to "figures": since the last time it was asked. */
export interface BotFigures extends ProcessFigures {
  /** From each heartbeat to its answer. Milliseconds. */
  readonly heartbeats: readonly number[];
}

/** What it says to "state". */
export interface BotState {
  readonly status: string;
  /** Read by the run so far. */
  readonly read: number;
  /** Whether nothing is missing of what was written while it was away. */
  readonly isCaughtUp: boolean;
}

export async function run(options: BotOptions, line: TaskLine): Promise<object> {
  const { folder, embedder, serverUrl } = options;
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
    rest: { api: options.apiUrl, globalRequestsPerSecond: REQUESTS_PER_SECOND },
  });
  let heartbeats: number[] = [];
  client.on(Events.Debug, (text) => {
    const [, latency] = /Heartbeat acknowledged, latency of (\d+)ms/.exec(text) ?? [];
    if (latency !== undefined) heartbeats.push(Number(latency));
  });
  const server = embedder === "builtIn" ? undefined : serverProfiles[embedder];
  const embeddings = server && {
    baseUrl: `${serverUrl}/${embedder}/v1`,
    model: MODEL,
    parallelRequests: server.parallelRequests,
  };
  const backscroll = await attachBackscroll(client, {
    dataDir: folder,
    ...(embeddings && { embeddings }),
    thresholds: { diskLowBytes: BENCH_DISK_LOW_BYTES },
    log: listeningLogger(),
  });
  await client.login(options.token);
  await backscroll.ready;
  await backscroll.idle();
  const watched = watchProcess();
  line.say("ready");
  for (;;) {
    const { event } = await line.hear();
    if (event === "figures") {
      line.say("figures", { figures: { ...watched.figures(), heartbeats } satisfies BotFigures });
      watched.reset();
      heartbeats = [];
    } else if (event === "state") {
      const { run: current, gaps } = await backscroll.status(GUILD);
      const state: BotState = {
        status: current?.status ?? "none",
        read: current ? totals(current).read : 0,
        isCaughtUp: gaps?.isKnown === true && gaps.channels === 0,
      };
      line.say("state", { figures: state });
    } else if (event === "stop") break;
  }
  await backscroll.stop();
  await client.destroy();
  return {};
}
