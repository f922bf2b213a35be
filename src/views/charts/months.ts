// The picture of /backfill analyze: how many messages each month holds, and how many of them search finds. Pure.

import type { Analysis, Coverage } from "../../backfill/compare/survey.ts";
import { added } from "../../sums.ts";
import { count, monthName, percent } from "../words.ts";
import { type Chart, chartColors, countLabels, onCard } from "./chart.ts";

/** With more bars than this, a bar is a year. */
const MOST_BARS = 72;
/** With fewer, a young server's chart would be one block: months before its first are shown empty. */
const FEWEST_BARS = 6;
/** More would overlap. */
const MOST_LABELS = 7;

const parts = [
  { name: "searchable", color: chartColors.good, of: ({ embedded }: Coverage) => embedded },
  { name: "not searchable yet", color: chartColors.waiting, of: ({ missing, stale }: Coverage) => missing + stale },
  { name: "set aside", color: chartColors.bad, of: ({ quarantined }: Coverage) => quarantined },
  { name: "nothing to search", color: chartColors.quiet, of: ({ skipped }: Coverage) => skipped },
] as const;

/** Undefined when there is nothing to draw. */
export function monthsChart({ months }: Pick<Analysis, "months">): Chart | undefined {
  const { bars, unit } = toBars(months);
  if (bars.length === 0) return undefined;
  const shown = parts.filter(({ of }) => months.some((month) => of(month) > 0));
  const values = bars.flatMap(({ label, coverage }) =>
    shown.map(({ name, of }, order) => ({ label, part: name, order, messages: of(coverage) })),
  );
  return {
    fileName: `messages-per-${unit}.png`,
    alt: inWords(months, unit),
    spec: onCard(
      {
        height: 190,
        data: { values },
        mark: { type: "bar" },
        encoding: {
          x: {
            field: "label",
            type: "ordinal",
            sort: null,
            scale: { paddingInner: 0.12, paddingOuter: 0.06 },
            axis: { title: null, ticks: false, labelAngle: 0, ...labelled(bars.map(({ label }) => label)) },
          },
          y: {
            field: "messages",
            type: "quantitative",
            axis: { title: null, labelExpr: countLabels, tickCount: 4, tickMinStep: 1, domain: false, ticks: false },
          },
          color: {
            field: "part",
            type: "nominal",
            scale: { domain: shown.map(({ name }) => name), range: shown.map(({ color }) => color) },
          },
          order: { field: "order", type: "quantitative" },
        },
      },
      `Messages per ${unit}`,
    ),
  };
}

interface Bar {
  /** "Feb 2025", or "2025". */
  readonly label: string;
  readonly coverage: Coverage;
}

/** One bar for each month, or each year, between the first and the last, those without messages included. */
function toBars(months: Analysis["months"]): { bars: Bar[]; unit: "month" | "year" } {
  const [first, last] = [numberOf(months[0]?.month), numberOf(months.at(-1)?.month)];
  if (first === undefined || last === undefined) return { bars: [], unit: "month" };
  const byNumber = new Map(months.map((month) => [numberOf(month.month), month]));
  const from = Math.min(first, last - FEWEST_BARS + 1);
  const each = Array.from({ length: last - from + 1 }, (_, at) => from + at);
  if (each.length <= MOST_BARS) {
    return { bars: each.map((at) => ({ label: short(at), coverage: byNumber.get(at) ?? nothing })), unit: "month" };
  }
  const years = [...new Set(each.map((at) => Math.floor(at / 12)))];
  const ofYear = (year: number) => months.filter(({ month }) => month.startsWith(`${year}-`));
  return { bars: years.map((year) => ({ label: `${year}`, coverage: sum(ofYear(year)) })), unit: "year" };
}

/** Which bars are labelled: of several years' months only the Januaries, by their year. */
function labelled(labels: readonly string[]): { values: string[]; labelExpr: string } {
  const januaries = labels.filter((label) => label.startsWith("Jan "));
  const bySeason = januaries.length < 2 || labels.length <= 18;
  const candidates = bySeason ? labels : januaries;
  const step = Math.ceil(candidates.length / MOST_LABELS);
  return {
    values: candidates.filter((_, at) => at % step === 0),
    labelExpr: bySeason ? "datum.label" : "slice(datum.label, 4)",
  };
}

/** The range, how much of it is searchable, and where most is still missing. */
function inWords(months: Analysis["months"], unit: "month" | "year"): string {
  const all = sum(months);
  const [searchable, toDo, , nothingToSearch] = parts;
  const [from, to] = [months[0], months.at(-1)].map((each) => monthName(each?.month ?? ""));
  const range = from === to ? `in ${from}` : `from ${from} to ${to}`;
  const share = percent(searchable.of(all), all.records - nothingToSearch.of(all));
  const sentences = [
    `Bar chart of messages per ${unit}: ${count(all.records, "message")} ${range}.`,
    `${share} can be found by search, ${toDo.of(all) === 0 ? "none is missing" : `${count(toDo.of(all))} not yet`}.`,
  ];
  const worst = months.reduce<Analysis["months"][number] | undefined>(
    (best, month) => (toDo.of(month) > (best ? toDo.of(best) : 0) ? month : best),
    undefined,
  );
  if (worst && from !== to) {
    sentences.push(`The month with most to do is ${monthName(worst.month)}, with ${count(toDo.of(worst), "message")}.`);
  }
  return sentences.join(" ");
}

const nothing: Coverage = { records: 0, embedded: 0, missing: 0, stale: 0, skipped: 0, quarantined: 0 };

function sum(months: readonly Coverage[]): Coverage {
  return months.reduce((all, each) => added(all, each), nothing);
}

/** Months since the year 0, so that they can be counted. */
function numberOf(month: string | undefined): number | undefined {
  const [, year, ofYear] = /^(\d{4})-(\d{2})$/.exec(month ?? "") ?? [];
  return year === undefined ? undefined : Number(year) * 12 + Number(ofYear) - 1;
}

function short(month: number): string {
  const [year, ofYear] = [Math.floor(month / 12), (month % 12) + 1];
  return monthName(`${String(year).padStart(4, "0")}-${String(ofYear).padStart(2, "0")}`, "short");
}
