import { describe, expect, it } from "vitest";
import type { Announcement } from "../../src/backfill/reporting/announcements.ts";
import { type Sample, withSample } from "../../src/backfill/run/throughput-history.ts";
import { announcementMessage } from "../../src/views/announcement.ts";
import { illustrated } from "../../src/views/charts/chart.ts";
import { monthsChart } from "../../src/views/charts/months.ts";
import { runChart } from "../../src/views/charts/run.ts";
import { sentence } from "../../src/views/message.ts";
import { exampleAnalysis, exampleRun, exampleStatus } from "./examples.ts";

const month = (name: string, records: number, embedded: number) => ({
  month: name,
  records,
  embedded,
  missing: records - embedded,
  stale: 0,
  skipped: 0,
  quarantined: 0,
});
const sample = (change: Partial<Sample> = {}): Sample => ({
  ms: 1_000,
  collected: 0,
  done: 100,
  failed: 0,
  alerts: [],
  ...change,
});
/** The bars of a months chart, from its specification. */
const labelsOf = (chart: ReturnType<typeof monthsChart>) => [
  ...new Set(
    (chart?.spec as { data: { values: { label: string }[] } } | undefined)?.data.values.map(({ label }) => label),
  ),
];

describe("the chart of months", () => {
  it("says in words how much there is, how much is searchable and where most is missing", () => {
    const chart = monthsChart({ months: [month("2024-12", 1_000, 0), month("2025-02", 3_000, 2_900)] });
    expect(chart?.alt).toBe(
      "Bar chart of messages per month: 4,000 messages from December 2024 to February 2025. " +
        "72.5 % can be found by search, 1,100 not yet. The month with most to do is December 2024, with 1,000 messages.",
    );
  });

  it("shows months without messages, and those before a young server's first", () => {
    expect(labelsOf(monthsChart({ months: [month("2025-01", 5, 0), month("2025-03", 5, 0)] }))).toEqual([
      "Oct 2024",
      "Nov 2024",
      "Dec 2024",
      "Jan 2025",
      "Feb 2025",
      "Mar 2025",
    ]);
  });

  it("shows years when there are too many months", () => {
    const chart = monthsChart({ months: [month("2015-06", 5, 0), month("2025-03", 5, 5)] });
    expect(labelsOf(chart)).toEqual(Array.from({ length: 11 }, (_, at) => `${2015 + at}`));
    expect(chart?.alt).toContain("per year");
  });

  it("is not made of nothing", () => {
    expect(monthsChart({ months: [] })).toBeUndefined();
  });
});

describe("the chart of a run", () => {
  it("says in words how long it took, how fast it was, what failed and what was warned of", () => {
    const samples = [sample(), sample({ done: 900, failed: 2 }), sample({ collected: 50, alerts: ["disk-low"] })];
    expect(runChart({ samples })?.alt).toMatch(
      /^Chart of the backfill over 3 seconds of work: 1,100 messages .*at most 900 a second. 50 messages fetched from Discord. 2 requests .*failed. Warnings meanwhile: Disk space is low/,
    );
    expect(runChart({ samples: [sample(), sample(), sample()] })?.alt).toContain("No request failed. No warnings.");
  });

  it("ends where the run's work ended, not with the check of it; a warning or a failure still belongs to it", () => {
    const idle = sample({ done: 0, collected: 0 });
    const over = (samples: Sample[]) => /over (.*?) of work/.exec(runChart({ samples })?.alt ?? "")?.[1];
    expect(over([sample(), idle, sample(), sample(), idle, idle, idle])).toBe("4 seconds");
    expect(over([sample(), sample(), sample(), idle, { ...idle, failed: 1 }])).toBe("5 seconds");
    expect(runChart({ samples: [idle, idle, idle, idle] })).toBeUndefined();
  });

  it("is not made of a moment, nor of a run whose course was not recorded", () => {
    expect(runChart({ samples: [sample(), sample()] })).toBeUndefined();
    expect(runChart({})).toBeUndefined();
  });
});

describe("samples of a run", () => {
  it("stay few however long it takes, and lose nothing but detail", () => {
    let history: Sample[] = [];
    let most = 0;
    for (let at = 0; at < 50_000; at += 1) {
      history = withSample(history, sample({ failed: at % 10 === 0 ? 1 : 0, alerts: at === 777 ? ["stalled"] : [] }));
      most = Math.max(most, history.length);
    }
    expect(most).toBeLessThanOrEqual(90);
    expect(history.length).toBeGreaterThan(40);
    const sum = (of: (each: Sample) => number) => history.reduce((all, each) => all + of(each), 0);
    expect([sum(({ ms }) => ms), sum(({ done }) => done), sum(({ failed }) => failed)]).toEqual([5e7, 5e6, 5_000]);
    expect(history.filter(({ alerts }) => alerts.includes("stalled"))).toHaveLength(1);
    // About as long as each other, whenever they were taken.
    const lengths = history.map(({ ms }) => ms);
    expect(Math.max(...lengths) / Math.min(...lengths.slice(0, -1))).toBeLessThanOrEqual(2);
  });
});

describe("a view with a chart", () => {
  const chart = monthsChart(exampleAnalysis());
  const png = new Uint8Array([1, 2, 3]);

  it("has it attached with its alt text", async () => {
    const { view, files } = await illustrated(sentence("hello"), chart, async () => png);
    expect(view.content).toBe("hello");
    expect(files).toEqual([
      { name: "messages-per-month.png", contentType: "image/png", description: chart?.alt, data: png },
    ]);
  });

  it("says the same in words where it could not be drawn or may not be attached", async () => {
    for (const draw of [undefined, async () => undefined]) {
      const { view, files } = await illustrated(sentence("hello"), chart, draw);
      expect(view.content).toBe(`hello\n${chart?.alt}`);
      expect(files).toEqual([]);
    }
  });

  it("is the report, and no other announcement", async () => {
    const samples = Array.from({ length: 5 }, () => sample());
    const status = exampleStatus({ run: exampleRun({ status: "succeeded", samples }) });
    const alert = { name: "stalled", detail: { kind: "no-progress", ms: 300_000 }, raisedAt: 1 } as const;
    const announcements: Announcement[] = [
      { kind: "report", status, verification: undefined },
      { kind: "progress", status },
      { kind: "alert-raised", alert, status },
    ];
    const messages = await Promise.all(announcements.map((each) => announcementMessage(each, async () => png)));
    expect(messages.map(({ files }) => files.map(({ name }) => name))).toEqual([["backfill-over-time.png"], [], []]);
  });
});
