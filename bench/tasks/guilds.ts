// A process that looks after thousands of servers: how soon it is there, what it costs to stay, how much it keeps open while they are
// written to, searched and backfilled, and who waits for whom.

import { rm } from "node:fs/promises";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { isActive } from "../../src/backfill/run/run.ts";
import type { ChannelInfo } from "../../src/ports/archive.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { type Snowflake, snowflakeAt } from "../../src/snowflake.ts";
import { ADMIN_CHANNEL, archiveFile, listeningLogger, openSetup } from "../setup.ts";
import { type Task, watchProcess } from "../task.ts";

export interface GuildsOptions {
  readonly folder: string;
  readonly serverUrl: string;
  readonly guilds: number;
  /** So many of them are written to and searched. */
  readonly lively: number;
  /** So many are backfilled at once, together with one large one. */
  readonly backfilled: number;
  readonly largeRecords: number;
}

export interface GuildsResult {
  readonly bootSeconds: number;
  /** Until what was left undone by the process before is taken up. */
  readonly takenUpSeconds: number;
  readonly rssBytes: { readonly booted: number; readonly lively: number; readonly backfilled: number };
  readonly idle: { readonly ownerCallsPerSecond: number; readonly cpuShare: number; readonly loopP99Ms: number };
  readonly lively: { readonly seconds: number; readonly opened: number; readonly mostOpen: number };
  readonly backfills: {
    readonly seconds: number;
    /** When the last of the small ones was done, and how much of the large one was by then. */
    readonly smallSeconds: number;
    readonly largeDoneByThen: number;
    readonly mostOpen: number;
  };
}

const RECORDS = 5;
/** Guilds with messages that a process before left to be indexed. */
const LEFT_UNDONE = 100;
const IDLE_MS = 15_000;
const SENT_AT_ONCE = 50;

const guildId = (n: number): Snowflake => (900_000_000_000_000_000n + BigInt(n)).toString();
const channel: ChannelInfo = { id: "8000", name: "general", type: "text", accessChannelId: "8000" };
const message = (n: number, content: string): ArchivedRecord => ({
  kind: "message",
  id: snowflakeAt(Date.now() - 86_400_000 - n * 1_000),
  channelId: channel.id,
  accessChannelId: channel.id,
  authorId: "7000",
  authorName: "Ada",
  content,
});
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

export const run: Task<GuildsOptions, GuildsResult> = async (options, line) => {
  const { folder, guilds } = options;
  line.say("stage", { text: `an archive of ${guilds} servers` });
  await prepare(options);
  const watched = watchProcess();
  let [open, opened, mostOpen, ownerCalls] = [0, 0, 0, 0];
  const count = () => {
    ownerCalls += 1;
  };
  line.say("stage", { text: "the start" });
  const startedAt = performance.now();
  const since = (before: number) => (performance.now() - before) / 1_000;
  const setup = await openSetup({
    folder,
    serverUrl: options.serverUrl,
    embedder: "builtIn",
    onOwnerCall: count,
    wrapIndex(index) {
      open += 1;
      opened += 1;
      mostOpen = Math.max(mostOpen, open);
      return {
        ...index,
        async close() {
          open -= 1;
          await index.close();
        },
      };
    },
  });
  const { core, archive } = setup;
  const all = numbers(guilds).map(guildId);
  await core.enter(...all);
  const bootSeconds = since(startedAt);
  for (const id of all.slice(0, LEFT_UNDONE)) {
    while ((await archive.pending(id, 1)).length > 0) await sleep(20);
  }
  const takenUpSeconds = since(startedAt);
  const rssBooted = process.memoryUsage().rss;

  line.say("stage", { text: "nothing to do" });
  await sleep(2_000);
  ownerCalls = 0;
  watched.reset();
  await sleep(IDLE_MS);
  const { userSeconds, systemSeconds, loopP99Ms } = watched.figures();
  const idle = {
    ownerCallsPerSecond: (ownerCalls * 1_000) / IDLE_MS,
    cpuShare: ((userSeconds + systemSeconds) * 1_000) / IDLE_MS,
    loopP99Ms,
  };

  line.say("stage", { text: `${options.lively} servers written to and searched` });
  [opened, mostOpen] = [0, open];
  const livelyAt = performance.now();
  for (let from = 0; from < options.lively; from += SENT_AT_ONCE) {
    const some = all.slice(from, Math.min(options.lively, from + SENT_AT_ONCE));
    await Promise.all(some.map((id) => core.live.messageSaved(id, message(-from - 1, `fresh in ${id}`), channel)));
    await core.live.idle();
    for (const id of some) {
      const filter = { accessChannelIds: [channel.id] };
      const { hits } = await core.search.search({ guildId: id, text: `fresh in ${id}`, filter, limit: 5, offset: 0 });
      if (hits.length === 0) throw new Error(`what was written in ${id} is not found`);
    }
  }
  const lively = { seconds: since(livelyAt), opened, mostOpen };
  const rssLively = process.memoryUsage().rss;

  line.say("stage", { text: `${options.backfilled} small backfills and a large one` });
  mostOpen = open;
  const large = guildId(guilds - 1);
  const small = all.slice(options.lively, options.lively + options.backfilled);
  const backfillsAt = performance.now();
  const asked = { pace: "full", adminChannelId: ADMIN_CHANNEL, startedBy: "1" } as const;
  await core.engine.start(large, asked);
  await Promise.all(small.map((id) => core.engine.start(id, asked)));
  await Promise.all(small.map((id) => core.engine.done(id)));
  const smallSeconds = since(backfillsAt);
  const largeDoneByThen = (await setup.runStore.load(large))?.value.phases.reduce(
    (n, { counters }) => n + counters.read,
    0,
  );
  await core.engine.done(large);
  for (const id of [large, ...small]) {
    const status = (await setup.runStore.load(id))?.value.status;
    if (status === undefined || isActive(status) || status === "failed") throw new Error(`${id} is ${status}`);
  }
  const backfills = {
    seconds: since(backfillsAt),
    smallSeconds,
    largeDoneByThen: (largeDoneByThen ?? 0) / options.largeRecords,
    mostOpen,
  };
  const rssBackfilled = process.memoryUsage().rss;
  await setup.close();
  await rm(folder, { recursive: true, force: true });
  const rssBytes = { booted: rssBooted, lively: rssLively, backfilled: rssBackfilled };
  return { bootSeconds, takenUpSeconds, rssBytes, idle, lively, backfills };
};

async function prepare({ folder, guilds, largeRecords }: GuildsOptions): Promise<void> {
  const { archive, close } = await openArchive({ location: archiveFile(folder), logger: listeningLogger() });
  for (const n of numbers(guilds)) {
    const records = numbers(n === guilds - 1 ? largeRecords : RECORDS);
    await archive.saveChannels(guildId(n), [channel]);
    await archive.save(
      guildId(n),
      records.map((nth) => message(nth, `message ${nth} of server ${n}, about kettles and antennas`)),
      { pending: n < LEFT_UNDONE },
    );
  }
  await close();
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
