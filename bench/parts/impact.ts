// Part "impact": what members and Discord feel while nothing runs, and while a backfill runs at `auto` and at `full` pace: a live
// message until it is found, /search, the gateway's heartbeat, the event loop. The real bot on the stand-in for Discord.

import { type LiveBot, startLiveBot, type Traffic } from "../live-bot.ts";
import { type Bench, judged, type Part } from "../part.ts";
import { type EmbedderName, embedderTitle, serverProfiles } from "../server-profiles.ts";
import { ms, percentile, spread, type Table, whole } from "../table.ts";
import type { BotFigures } from "../tasks/bot.ts";

const PAUSE_MS = 250;
const BATCH = 256;
/** Enough for a run at full pace to outlast the measurement. */
const RECORDS: Record<EmbedderName, { readonly quick: number; readonly full: number }> = {
  builtIn: { quick: 100_000, full: 400_000 },
  instant: { quick: 150_000, full: 400_000 },
  gpuLike: { quick: 120_000, full: 300_000 },
  lmStudioLike: { quick: 8_000, full: 25_000 },
};
/** A live message during `full`, of one while nothing runs: the built-in model embeds in this process's share of the machine. */
const MOST_TIMES_IDLE = { builtIn: 2.5, server: 1.5 };
const conditions = ["idle", "auto", "full"] as const;
type Condition = (typeof conditions)[number];

interface Felt extends Traffic {
  readonly figures: BotFigures;
  readonly recordsPerSecond: number;
}

export const impact: Part = async (bench) => {
  const embedders: EmbedderName[] = bench.quick ? ["builtIn", "lmStudioLike"] : ["builtIn", "gpuLike", "lmStudioLike"];
  const measured: { embedder: EmbedderName; condition: Condition; felt: Felt }[] = [];
  const restarts = new Map<EmbedderName, Awaited<ReturnType<typeof measure>>["restarted"]>();
  for (const embedder of embedders) {
    const { felt: conditionsFelt, restarted } = await measure(bench, embedder);
    for (const [condition, felt] of conditionsFelt) measured.push({ embedder, condition, felt });
    restarts.set(embedder, restarted);
  }
  const took = (felt: Felt | undefined, what: "messages" | "searches") =>
    (felt?.[what] ?? []).map(({ tookMs }) => tookMs);
  const table: Table = {
    title: "Impact: milliseconds (p50 / p95 / p99) while nothing runs and while a backfill runs",
    columns: ["", "backfill /s", "message until found", "/search", "heartbeat", "loop p99 late", "max", "samples"],
    rows: measured.map(({ embedder, condition, felt }) => [
      `${embedderTitle(embedder)}, ${condition}`,
      condition === "idle" ? "-" : whole(felt.recordsPerSecond),
      spread(took(felt, "messages")),
      spread(took(felt, "searches")),
      spread(felt.figures.heartbeats),
      ms(felt.figures.loopP99Ms),
      ms(felt.figures.loopMaxMs),
      String(felt.messages.length + felt.searches.length),
    ]),
  };
  const of = (embedder: EmbedderName, condition: Condition) =>
    measured.find((each) => each.embedder === embedder && each.condition === condition)?.felt;
  const notes = embedders.flatMap((embedder) => {
    const idle = percentile(took(of(embedder, "idle"), "messages"), 0.95);
    const full = percentile(took(of(embedder, "full"), "messages"), 0.95);
    const title = `${embedderTitle(embedder)}, live message until found, p95`;
    const loop = of(embedder, "full")?.figures.loopP99Ms ?? Number.NaN;
    const loopNote = judged(`${embedderTitle(embedder)}, event loop during full, p99 late, ms`, loop, { atMost: 30 });
    const restarted = restarts.get(embedder);
    const restartNotes = restarted
      ? [
          judged(
            `${embedderTitle(embedder)}, first search after a kill during full, acknowledged after ms (answered after ${whole(restarted.answeredMs)})`,
            restarted.acknowledgedMs,
            { atMost: 1_000 },
          ),
        ]
      : [];
    if (embedder === "builtIn" || serverProfiles[embedder].parallel > 1) {
      const atMost = embedder === "builtIn" ? MOST_TIMES_IDLE.builtIn : MOST_TIMES_IDLE.server;
      return [judged(`${title}, full / idle`, full / idle, { atMost }), loopNote, ...restartNotes];
    }
    const { fixedMs, perTextMs } = serverProfiles[embedder];
    const batchMs = fixedMs + perTextMs * BATCH;
    return [
      judged(`${title}, full, ms (idle + one batch of ${whole(batchMs)} ms)`, full, { atMost: idle * 1.5 + batchMs }),
      loopNote,
      ...restartNotes,
    ];
  });
  return {
    tables: [table],
    notes: [
      ...notes,
      'A message is "found" when another reader of the index sees its row, looked for every 25 ms; /search is timed from the command to the ' +
        "answer, through Discord's stand-in. Messages and searches follow one another with pauses of a quarter of a second.",
    ],
    figures: Object.fromEntries(
      embedders.map((embedder) => [
        embedder,
        Object.fromEntries(conditions.map((condition) => [condition, summary(of(embedder, condition))])),
      ]),
    ),
  };

  function summary(felt: Felt | undefined) {
    const spreadOf = (list: readonly number[]) => ({
      p50: percentile(list, 0.5),
      p95: percentile(list, 0.95),
      p99: percentile(list, 0.99),
    });
    return {
      recordsPerSecond: felt?.recordsPerSecond,
      messageUntilFoundMs: spreadOf(took(felt, "messages")),
      searchMs: spreadOf(took(felt, "searches")),
      heartbeatMs: spreadOf(felt?.figures.heartbeats ?? []),
      loopP99Ms: felt?.figures.loopP99Ms,
    };
  }
};

async function measure({ quick, lab, progress }: Bench, embedder: EmbedderName) {
  const records = RECORDS[embedder][quick ? "quick" : "full"];
  const seconds = quick ? 8 : 30;
  const felt: [Condition, Felt][] = [];
  let restarted: Awaited<ReturnType<LiveBot["restart"]>> | undefined;
  for (const pace of ["auto", "full"] as const) {
    const bot = await startLiveBot(lab, records, embedder);
    try {
      if (pace === "auto") {
        progress(`${embedderTitle(embedder)}: idle`);
        felt.push(["idle", await feel(bot, seconds)]);
      }
      progress(`${embedderTitle(embedder)}: ${pace}`);
      await bot.startBackfill(pace);
      felt.push([pace, await feel(bot, seconds)]);
      if (pace === "full") restarted = await bot.restart();
    } finally {
      await bot.close();
    }
  }
  return { felt, restarted };
}

/** For so long, or until the run is over: what comes after it would be idle again. */
async function feel(bot: LiveBot, seconds: number): Promise<Felt> {
  await bot.figures();
  const before = await bot.state();
  const startedAt = performance.now();
  const enough = new AbortController();
  const traffic = bot.traffic(enough.signal, PAUSE_MS);
  let now = before;
  while (performance.now() - startedAt < seconds * 1000 && now.status === before.status) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    now = await bot.state();
  }
  enough.abort();
  const tookSeconds = (performance.now() - startedAt) / 1000;
  const found = await traffic;
  return { ...found, figures: await bot.figures(), recordsPerSecond: (now.read - before.read) / tookSeconds };
}
