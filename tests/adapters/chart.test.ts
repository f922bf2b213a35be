// Charts really drawn: Vega-Lite accepts what the views describe, and the picture has texts and colours on it.

import { Resvg } from "@resvg/resvg-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ChartDrawer, createChartDrawer } from "../../src/adapters/chart/index.ts";
import { alertNames } from "../../src/backfill/run/alerts.ts";
import type { Sample } from "../../src/backfill/run/throughput-history.ts";
import { type Chart, chartColors } from "../../src/views/charts/chart.ts";
import { monthsChart } from "../../src/views/charts/months.ts";
import { runChart } from "../../src/views/charts/run.ts";

function startDrawer(deadlineMs?: number): ChartDrawer & { readonly logged: string[] } {
  const logged: string[] = [];
  const log = (event: string, fields: { reason?: unknown } = {}) => void logged.push(`${event} ${fields.reason}`);
  const drawer = createChartDrawer({ debug: log, info: log, warn: log, error: log }, deadlineMs);
  onTestFinished(() => drawer.close());
  return { ...drawer, logged };
}

const samples: Sample[] = Array.from({ length: 20 }, (_, at) => ({
  ms: 5_000,
  collected: at < 5 ? 400 : 0,
  done: at < 5 ? 0 : 2_000 + at,
  failed: at % 7 === 0 ? 1 : 0,
  alerts: at > 10 ? [...alertNames] : [],
}));
const months = ["2024-11", "2024-12", "2025-02"].map((month, at) => ({
  month,
  records: 1_000,
  embedded: at * 300,
  missing: 950 - at * 300,
  stale: 0,
  skipped: 49,
  quarantined: 1,
}));

/** The share of pixels of each of the card's colours. */
function colorsOf(png: Uint8Array): ReadonlyMap<string, number> {
  const size = new DataView(png.buffer, png.byteOffset);
  const [width, height] = [size.getUint32(16), size.getUint32(20)];
  const href = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><image width="${width}" height="${height}" href="${href}"/></svg>`;
  const { pixels } = new Resvg(svg).render();
  const counts = new Map<string, number>();
  for (let at = 0; at < pixels.length; at += 4) {
    const color = `#${pixels.subarray(at, at + 3).toString("hex")}`;
    counts.set(color, (counts.get(color) ?? 0) + 4 / pixels.length);
  }
  return counts;
}

async function drawn(drawer: ReturnType<typeof startDrawer>, chart: Chart | undefined): Promise<Uint8Array> {
  const png = chart && (await drawer.draw(chart.spec));
  if (!png) throw new Error(`not drawn: ${drawer.logged.join()}`);
  return png;
}

describe("a chart", () => {
  test.each([
    [
      "of months",
      monthsChart({ months }),
      [chartColors.good, chartColors.waiting, chartColors.quiet, chartColors.text],
    ],
    ["of a run", runChart({ samples }), [chartColors.good, chartColors.bad, chartColors.waiting, chartColors.text]],
  ])("%s is drawn with its parts and its letters on a card that covers all", async (_, chart, colors) => {
    const drawer = startDrawer();
    const found = colorsOf(await drawn(drawer, chart));
    expect(found.get(chartColors.card)).toBeGreaterThan(0.3);
    // Without a font there would be no pixel in the colour of the text.
    for (const color of colors) expect(found.get(color) ?? 0, color).toBeGreaterThan(0.0005);
    expect(drawer.logged).toEqual([]);
  });

  test("that cannot be drawn, or not in time, is undefined and in the log; the next one is drawn all the same", async () => {
    const drawer = startDrawer();
    expect(await drawer.draw({ mark: "nonsense", encoding: 5 })).toBeUndefined();
    expect(drawer.logged).toHaveLength(1);
    await drawn(drawer, monthsChart({ months }));
    const hasty = startDrawer(1);
    expect(await hasty.draw(runChart({ samples })?.spec ?? {})).toBeUndefined();
    expect(hasty.logged[0]).toMatch(/chart:not-drawn .*timeout/);
  });

  test("that is being drawn when it closes is given up", async () => {
    const drawer = startDrawer();
    const drawing = drawer.draw(runChart({ samples })?.spec ?? {});
    await drawer.close();
    expect(await drawing).toBeUndefined();
    expect(await drawer.draw({})).toBeUndefined();
  });
});

test("colours have enough contrast to their card", () => {
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5]
      .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const { card, grid: _, ...rest } = chartColors;
  for (const color of Object.values(rest)) {
    expect((luminance(color) + 0.05) / (luminance(card) + 0.05), color).toBeGreaterThan(4.5);
  }
});
