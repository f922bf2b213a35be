// Part "removal": a member who wrote a third of a server has everything deleted: how long that takes for each thousand messages, and what
// others feel meanwhile. The real bot on the stand-in for Discord.

import { type LiveBot, startLiveBot, type Traffic } from "../live-bot.ts";
import { type Bench, judged, type Part } from "../part.ts";
import { WRITER } from "../records.ts";
import { ms, percentile, seconds, spread, type Table, whole } from "../table.ts";
import type { BotFigures } from "../tasks/bot.ts";

const SIZES = { quick: [15_000, 45_000], full: [30_000, 300_000] } as const;
const PAUSE_MS = 250;
const LOOK_EVERY_MS = 250;
const IDLE_MS = 15_000;
/** For upkeep after the backfill. */
const SETTLE_MS = 15_000;

interface Felt extends Traffic {
  readonly figures: BotFigures;
  readonly tookMs: number;
}

interface Measured {
  readonly records: number;
  readonly idle: Felt;
  readonly removing: Felt;
}

export const removal: Part = async (bench) => {
  const measured: Measured[] = [];
  for (const records of SIZES[bench.quick ? "quick" : "full"]) measured.push(await measure(bench, records));
  const perThousand = ({ records, removing }: Measured) => removing.tookMs / 1000 / (records / 3 / 1000);
  const took = (felt: Felt, what: "messages" | "searches") => felt[what].map(({ tookMs }) => tookMs);
  const table: Table = {
    title: "Removal: a third of a server's messages, one member's; milliseconds are p50 / p95 / p99",
    columns: ["", "took", "per 1,000", "message until found", "/search", "loop p99 late", "max", "samples"],
    rows: measured.flatMap((each) =>
      (["idle", "removing"] as const).map((condition) => {
        const felt = each[condition];
        const isRemoving = condition === "removing";
        return [
          `${whole(isRemoving ? each.records / 3 : each.records)} ${isRemoving ? "being removed" : "messages, idle"}`,
          isRemoving ? seconds(felt.tookMs / 1000) : "-",
          isRemoving ? seconds(perThousand(each)) : "-",
          spread(took(felt, "messages")),
          spread(took(felt, "searches")),
          ms(felt.figures.loopP99Ms),
          ms(felt.figures.loopMaxMs),
          String(felt.messages.length + felt.searches.length),
        ];
      }),
    ),
  };
  const [smallest, largest] = [measured[0], measured.at(-1)];
  const p95 = (felt: Felt | undefined) => percentile(felt ? took(felt, "searches") : [], 0.95);
  return {
    tables: [table],
    notes: [
      judged(
        "seconds per 1,000 removed, largest / smallest server",
        (largest ? perThousand(largest) : Number.NaN) / (smallest ? perThousand(smallest) : Number.NaN),
        { atMost: 2 },
      ),
      judged(
        "message until found while removing, p50, ms",
        percentile(largest ? took(largest.removing, "messages") : [], 0.5),
        {
          atMost: 1_000,
        },
      ),
      judged("/search p95, removing / idle", p95(largest?.removing) / p95(largest?.idle), { atMost: 1.5 }),
      judged("event loop while removing, p99 late, ms", largest?.removing.figures.loopP99Ms ?? Number.NaN, {
        atMost: 30,
      }),
      "From the confirmation until nothing is left in the archive or in rows of others; none of it is found from the first second on.",
    ],
    figures: Object.fromEntries(
      measured.map((each) => [
        each.records,
        {
          seconds: each.removing.tookMs / 1000,
          perThousandSeconds: perThousand(each),
          idle: each.idle,
          removing: each.removing,
        },
      ]),
    ),
  };
};

async function measure({ lab, progress }: Bench, records: number): Promise<Measured> {
  progress(`${whole(records)} messages: backfilled`);
  const bot = await startLiveBot(lab, records, "builtIn", { ofWriter: true });
  try {
    await bot.startBackfill("full");
    while ((await bot.state()).status !== "succeeded") await sleep(LOOK_EVERY_MS);
    await sleep(SETTLE_MS);
    const idleUntil = performance.now() + IDLE_MS;
    const idle = await feel(bot, async () => performance.now() < idleUntil);
    progress(`${whole(records)} messages: a third of them removed`);
    await bot.forget(WRITER);
    return { records, idle, removing: await feel(bot, bot.isRemoving) };
  } finally {
    await bot.close();
  }
}

async function feel(bot: LiveBot, isGoingOn: () => Promise<boolean>): Promise<Felt> {
  await bot.figures();
  const startedAt = performance.now();
  const over = new AbortController();
  const traffic = bot.traffic(over.signal, PAUSE_MS);
  while (await isGoingOn()) await sleep(LOOK_EVERY_MS);
  const tookMs = performance.now() - startedAt;
  over.abort();
  return { ...(await traffic), figures: await bot.figures(), tookMs };
}

const sleep = (forMs: number) => new Promise<void>((resolve) => setTimeout(resolve, forMs));
