// Part "auto": that `auto` pace yields to live traffic and takes everything when there is none: throughput and live latency over time,
// at `auto` and at `full`, with a stretch of traffic in the middle.

import { type Felt, startLiveBot, type Traffic } from "../live-bot.ts";
import { type Bench, judged, type Part } from "../part.ts";
import { drawPlot } from "../plot.ts";
import { type EmbedderName, embedderTitle } from "../server-profiles.ts";
import { percentile, spread, type Table, whole } from "../table.ts";

const SAMPLE_MS = 500;
const PAUSE_MS = 200;
/** At the beginning of each stretch, to get up to its speed. */
const WARM_UP_MS = 5_000;
const EMBEDDER: EmbedderName = "lmStudioLike";
const paces = ["auto", "full"] as const;
type PaceName = (typeof paces)[number];

interface Timeline {
  readonly pace: PaceName;
  /** Records per second since the sample before. */
  readonly throughput: readonly { readonly atMs: number; readonly recordsPerSecond: number }[];
  readonly felt: readonly (Felt & { readonly what: "message until found" | "/search" })[];
}

export const auto: Part = async (bench) => {
  const stretchMs = bench.quick ? 10_000 : 30_000;
  const lines: Timeline[] = [];
  for (const pace of paces) {
    bench.progress(
      `${embedderTitle(EMBEDDER)}: ${pace}, traffic from ${stretchMs / 1000} to ${(2 * stretchMs) / 1000} s`,
    );
    lines.push(await follow(bench, pace, stretchMs));
  }
  const within = (atMs: number, stretch: number) =>
    atMs >= stretch * stretchMs + WARM_UP_MS && atMs < (stretch + 1) * stretchMs;
  const rate = ({ throughput }: Timeline, stretch: number) => {
    const samples = throughput.filter(({ atMs }) => within(atMs, stretch));
    return samples.reduce((sum, { recordsPerSecond }) => sum + recordsPerSecond, 0) / samples.length;
  };
  const feltAs = ({ felt }: Timeline, asked: string) =>
    felt.filter(({ what }) => what === asked).map(({ tookMs }) => tookMs);
  const table: Table = {
    title: `Auto pace on the ${embedderTitle(EMBEDDER)}: records per second, and milliseconds (p50 / p95 / p99) that live use takes`,
    columns: ["pace", "quiet before /s", "with traffic /s", "quiet after /s", "message until found", "/search"],
    rows: lines.map((line) => [
      line.pace,
      ...[0, 1, 2].map((stretch) => whole(rate(line, stretch))),
      spread(feltAs(line, "message until found")),
      spread(feltAs(line, "/search")),
    ]),
  };
  const [own, full] = lines;
  const share = own && full ? rate(own, 2) / rate(full, 2) : Number.NaN;
  const yields = own ? rate(own, 1) / rate(own, 2) : Number.NaN;
  const p95 = (line: Timeline | undefined) =>
    line ? percentile(feltAs(line, "message until found"), 0.95) : Number.NaN;
  return {
    tables: [table],
    notes: [
      judged("auto without traffic, share of full", share, { atLeast: 0.95 }),
      judged("auto with traffic, share of its own quiet speed (it yields)", yields, { atMost: 0.9 }),
      judged("live message until found with auto, p95, share of the same with full", p95(own) / p95(full), {
        atMost: 0.9,
      }),
    ],
    pictures: [
      {
        name: "auto",
        title: "Throughput and live latency over time, at auto and full pace",
        ...(await drawPlot(plotOf(lines, stretchMs))),
      },
    ],
    figures: { shareOfFull: share, shareWithTraffic: yields, lines },
  };
};

async function follow({ quick, lab }: Bench, pace: PaceName, stretchMs: number): Promise<Timeline> {
  const bot = await startLiveBot(lab, quick ? 18_000 : 50_000, EMBEDDER);
  try {
    await bot.startBackfill(pace);
    const startedAt = performance.now();
    const sinceStart = () => performance.now() - startedAt;
    const throughput: { atMs: number; recordsPerSecond: number }[] = [];
    let traffic: Promise<Traffic> | undefined;
    let trafficFromMs = 0;
    const enough = new AbortController();
    let before = { read: (await bot.state()).read, atMs: sinceStart() };
    while (sinceStart() < 3 * stretchMs) {
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
      const { read, status } = await bot.state();
      if (status !== "running") throw new Error(`the run was over too soon: ${status}`);
      const atMs = sinceStart();
      throughput.push({ atMs, recordsPerSecond: ((read - before.read) * 1000) / (atMs - before.atMs) });
      before = { read, atMs };
      if (traffic === undefined && atMs >= stretchMs) {
        trafficFromMs = atMs;
        traffic = bot.traffic(enough.signal, PAUSE_MS);
      }
      if (atMs >= 2 * stretchMs) enough.abort();
    }
    const { messages = [], searches = [] } = (await traffic) ?? {};
    const placed = (felt: readonly Felt[], what: Timeline["felt"][number]["what"]) =>
      felt.map(({ atMs, tookMs }) => ({ what, tookMs, atMs: atMs + trafficFromMs }));
    return { pace, throughput, felt: [...placed(messages, "message until found"), ...placed(searches, "/search")] };
  } finally {
    await bot.close();
  }
}

/** Vega-Lite: two charts above each other on one time line, the traffic as a band. */
function plotOf(lines: readonly Timeline[], stretchMs: number) {
  const seconds = {
    field: "seconds",
    type: "quantitative",
    title: "seconds",
    scale: { domain: [0, (3 * stretchMs) / 1000] },
  };
  const band = {
    data: { values: [{ from: stretchMs / 1000, to: (2 * stretchMs) / 1000 }] },
    mark: { type: "rect", color: "#eeeeee" },
    encoding: { x: { ...seconds, field: "from" }, x2: { field: "to" } },
  };
  const color = {
    field: "pace",
    type: "nominal",
    title: "pace",
    scale: { domain: paces, range: ["#5865f2", "#f59e0b"] },
  };
  const throughput = lines.flatMap(({ pace, throughput: samples }) =>
    samples.map(({ atMs, recordsPerSecond }) => ({ pace, seconds: atMs / 1000, recordsPerSecond })),
  );
  const felt = lines.flatMap(({ pace, felt: samples }) =>
    samples.map(({ atMs, tookMs, what }) => ({ pace, what, seconds: atMs / 1000, tookMs })),
  );
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: `A backfill at auto and full pace, with live traffic in the grey stretch (${embedderTitle(EMBEDDER)})`,
    background: "white",
    vconcat: [
      {
        width: 760,
        height: 220,
        layer: [
          band,
          {
            data: { values: throughput },
            // Checkpoints come in steps: the mean of a few samples shows the speed.
            transform: [
              {
                window: [{ op: "mean", field: "recordsPerSecond", as: "smooth" }],
                frame: [-3, 3],
                groupby: ["pace"],
                sort: [{ field: "seconds" }],
              },
            ],
            mark: { type: "line", strokeWidth: 2 },
            encoding: { x: seconds, y: { field: "smooth", type: "quantitative", title: "records per second" }, color },
          },
        ],
      },
      {
        width: 760,
        height: 220,
        layer: [
          band,
          {
            data: { values: felt },
            mark: { type: "point", filled: true, size: 30, opacity: 0.8 },
            encoding: {
              x: seconds,
              y: { field: "tookMs", type: "quantitative", title: "milliseconds", scale: { type: "log" } },
              color,
              shape: { field: "what", type: "nominal", title: "live use" },
            },
          },
        ],
      },
    ],
  };
}
