// The picture of a run's report: how fast it went, what failed and which warnings were on, over the time it was at work. Pure.

import { alertNames } from "../../backfill/run/alerts.ts";
import type { Run } from "../../backfill/run/run.ts";
import type { Sample } from "../../backfill/run/throughput-history.ts";
import { alertTitles } from "../alerts.ts";
import { count, duration } from "../words.ts";
import { type Chart, chartColors, countLabels, onCard } from "./chart.ts";

/** With fewer there is no "over time" to show. */
const FEWEST_SAMPLES = 3;
/** Beside labels and edges; the three panels share it. Pixels. */
const PANEL_WIDTH = 450;
const LABELS_WIDTH = 62;
/** Closes the hairlines between neighbouring rectangles. */
const SEAM = 0.6;

const units = [
  { name: "hours", ms: 3_600_000 },
  { name: "minutes", ms: 60_000 },
  { name: "seconds", ms: 1_000 },
] as const;

const series = {
  collected: { name: "fetched from Discord", color: chartColors.quiet },
  done: { name: "worked through", color: chartColors.good },
} as const;

/** Undefined when the run was too short, or made before its course was recorded. */
export function runChart(run: Pick<Run, "samples">): Chart | undefined {
  const samples = untilTheEnd(run.samples ?? []);
  if (samples.length < FEWEST_SAMPLES) return undefined;
  const totalMs = samples.reduce((sum, { ms }) => sum + ms, 0);
  const unit = units.find(({ ms }) => totalMs >= 2 * ms) ?? units[2];
  const stretches = inTime(samples, unit.ms);
  const panels = [speedPanel(stretches)];
  if (samples.some(({ failed }) => failed > 0)) panels.push(failuresPanel(stretches));
  if (samples.some(({ alerts }) => alerts.length > 0)) panels.push(alertsPanel(stretches));
  const time = {
    type: "quantitative",
    scale: { domain: [0, totalMs / unit.ms], nice: false },
    axis: { title: `${unit.name} at work, pauses left out`, grid: false, tickCount: 6, format: ",~g" },
  } as const;
  return {
    fileName: "backfill-over-time.png",
    alt: inWords(samples, totalMs),
    spec: onCard(
      {
        width: undefined,
        autosize: "pad",
        spacing: 14,
        vconcat: panels.map((panel, at) => ({
          width: PANEL_WIDTH,
          ...panel(at === panels.length - 1 ? time : untitled(time)),
        })),
      },
      "How the backfill went",
    ),
  };
}

/** Without the time at the end in which nothing was done any more: the index was put in order, and all of it checked. */
function untilTheEnd(samples: readonly Sample[]): readonly Sample[] {
  const last = samples.findLastIndex(
    ({ collected, done, failed, alerts }) => collected + done + failed + alerts.length > 0,
  );
  return samples.slice(0, last + 1);
}

type Time = Readonly<Record<string, unknown>>;
type Panel = (time: Time) => Record<string, unknown>;

const untitled = (time: Time): Time => ({ ...time, axis: { labels: false, title: null, ticks: false, grid: false } });

/** A sample with its place in time, in the chart's unit. */
interface Stretch extends Sample {
  readonly from: number;
  readonly to: number;
}

function inTime(samples: readonly Sample[], unitMs: number): Stretch[] {
  let at = 0;
  return samples.map((sample) => {
    const from = at;
    at += sample.ms / unitMs;
    return { ...sample, from, to: at };
  });
}

/** The axis on the left, as wide in each panel, so that they stand under each other. */
const leftAxis = (title: string) => ({
  title,
  titleAnchor: "end",
  titleAngle: 0,
  titleAlign: "left",
  titleX: -LABELS_WIDTH,
  titleY: -10,
  minExtent: LABELS_WIDTH,
  maxExtent: LABELS_WIDTH,
  labelExpr: countLabels,
  domain: false,
  ticks: false,
});

function speedPanel(stretches: readonly Stretch[]): Panel {
  const shown = [series.collected, series.done].filter(
    ({ name }) => name === series.done.name || stretches.some(({ collected }) => collected > 0),
  );
  const values = stretches.flatMap(({ from, to, ms, collected, done }) => {
    const perSecond = (amount: number) => (ms > 0 ? (amount * 1_000) / ms : 0);
    const low = perSecond(done);
    return [
      { from, to, what: series.done.name, low: 0, high: low },
      { from, to, what: series.collected.name, low, high: low + perSecond(collected) },
    ];
  });
  const color = {
    field: "what",
    type: "nominal",
    scale: { domain: shown.map(({ name }) => name), range: shown.map(({ color }) => color) },
    ...(shown.length > 1 ? {} : { legend: null }),
  };
  return (time) => ({
    height: 130,
    data: { values: values.filter(({ low, high }) => high > low) },
    mark: { type: "rect", strokeWidth: SEAM },
    encoding: {
      x: { field: "from", ...time },
      x2: { field: "to" },
      y: {
        field: "low",
        type: "quantitative",
        scale: { zero: true },
        axis: { ...leftAxis("messages per second"), tickCount: 4 },
      },
      y2: { field: "high" },
      color,
      stroke: color,
    },
  });
}

function failuresPanel(stretches: readonly Stretch[]): Panel {
  const values = stretches.filter(({ failed }) => failed > 0).map(({ from, to, failed }) => ({ from, to, failed }));
  return (time) => ({
    height: 44,
    data: { values },
    mark: { type: "rect", color: chartColors.bad, stroke: chartColors.bad, strokeWidth: SEAM },
    encoding: {
      x: { field: "from", ...time },
      x2: { field: "to" },
      y: {
        field: "failed",
        type: "quantitative",
        scale: { zero: true },
        axis: { ...leftAxis("failed requests to the model"), tickCount: 2, tickMinStep: 1 },
      },
      y2: { datum: 0 },
    },
  });
}

/** A lane for each warning, named above it. */
function alertsPanel(stretches: readonly Stretch[]): Panel {
  const lanes = alertNames.filter((name) => stretches.some(({ alerts }) => alerts.includes(name)));
  const values = lanes.flatMap((name) =>
    stretches
      .filter(({ alerts }) => alerts.includes(name))
      .map(({ from, to }) => ({ from, to, lane: alertTitles[name] })),
  );
  const lane = { field: "lane", type: "nominal", sort: lanes.map((name) => alertTitles[name]) };
  const axis = {
    title: null,
    labels: false,
    ticks: false,
    domain: false,
    minExtent: LABELS_WIDTH,
    maxExtent: LABELS_WIDTH,
  };
  return (time) => ({
    height: { step: 34 },
    data: { values },
    encoding: { y: { ...lane, axis } },
    layer: [
      {
        mark: {
          type: "bar",
          height: 8,
          yOffset: 9,
          color: chartColors.waiting,
          stroke: chartColors.waiting,
          strokeWidth: SEAM,
        },
        encoding: { x: { field: "from", ...time }, x2: { field: "to" } },
      },
      {
        data: { values: lanes.map((name) => ({ lane: alertTitles[name] })) },
        mark: { type: "text", align: "left", yOffset: -6, fontSize: 12, color: chartColors.text },
        encoding: { x: { datum: 0, ...time }, text: { field: "lane" } },
      },
    ],
  });
}

function inWords(samples: readonly Sample[], totalMs: number): string {
  const sum = (of: (sample: Sample) => number) => samples.reduce((all, sample) => all + of(sample), 0);
  const done = sum((sample) => sample.done);
  const collected = sum((sample) => sample.collected);
  const failed = sum((sample) => sample.failed);
  const fastest = Math.max(...samples.map((sample) => (sample.ms > 0 ? (sample.done * 1_000) / sample.ms : 0)));
  const warnings = alertNames.filter((name) => samples.some(({ alerts }) => alerts.includes(name)));
  return [
    `Chart of the backfill over ${duration(totalMs)} of work: ${count(done, "message")} worked through, at most ${count(fastest)} a second.`,
    collected > 0 ? `${count(collected, "message")} fetched from Discord.` : "",
    failed > 0 ? `${count(failed, "request")} to the model failed.` : "No request failed.",
    warnings.length > 0
      ? `Warnings meanwhile: ${warnings.map((name) => alertTitles[name]).join("; ")}.`
      : "No warnings.",
  ]
    .filter(Boolean)
    .join(" ");
}
