// What a chart is to the rest of the project: a Vega-Lite description to be drawn elsewhere, its file name, and the same facts in words.
// Also the look they share: a card of its own, so that Discord's dark and light themes do not matter.

import { joinLines, sentence, type View } from "../message.ts";

/** Drawn by adapters/chart. */
export interface Chart {
  readonly fileName: string;
  /** The main fact in a sentence or two: the picture's alt text, and what stands in for it where it cannot be drawn. */
  readonly alt: string;
  /** A Vega-Lite specification: plain data. */
  readonly spec: Readonly<Record<string, unknown>>;
}

/** A drawn chart, as a file to attach. */
export interface Picture {
  readonly name: string;
  readonly contentType: "image/png";
  readonly description: string;
  readonly data: Uint8Array;
}

/** Makes a PNG of a chart's specification; undefined when that failed. Never rejects. */
export type DrawChart = (spec: Chart["spec"]) => Promise<Uint8Array | undefined>;

/**
 * A view with its chart attached; where that could not be drawn or may not be attached, its alt text says the same. Attached, not
 * shown in an embed: there Discord would drop the alt text.
 * @param draw undefined when files may not be attached
 */
export async function illustrated(
  view: View,
  chart: Chart | undefined,
  draw: DrawChart | undefined,
): Promise<{ readonly view: View; readonly files: readonly Picture[] }> {
  if (chart === undefined) return { view, files: [] };
  const data = await draw?.(chart.spec);
  if (data !== undefined) {
    return { view, files: [{ name: chart.fileName, contentType: "image/png", description: chart.alt, data }] };
  }
  const { content } = sentence(joinLines(view.content, chart.alt));
  return { view: { ...view, content }, files: [] };
}

/** Discord shows pictures about this wide; drawn at that size, texts stay readable without a click. Pixels, the card's edge included. */
const WIDTH = 560;

/** On the card each has a contrast of at least 4.5 to 1, and they differ in lightness too, for those who do not see the hues. */
export const chartColors = {
  card: "#1f2128",
  text: "#dfe1e8",
  grid: "#3a3d47",
  good: "#8f9bff",
  waiting: "#f5b83d",
  quiet: "#8b909d",
  bad: "#ff7b7b",
} as const;

/** Whole numbers with thousands separators; millions by their letter. A Vega expression. */
export const countLabels = "datum.value >= 1e6 ? format(datum.value / 1e6, ',.3~f') + ' M' : format(datum.value, ',')";

/** The specification with background, fonts and colours set. */
export function onCard(spec: Readonly<Record<string, unknown>>, title: string): Record<string, unknown> {
  const { card, text, grid } = chartColors;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: { text: title, anchor: "start", fontSize: 15, fontWeight: "normal", color: text, offset: 12 },
    background: card,
    padding: 16,
    width: WIDTH,
    autosize: { type: "fit-x", contains: "padding" },
    ...spec,
    config: {
      font: "DejaVu Sans",
      view: { stroke: null },
      axis: {
        labelColor: text,
        titleColor: text,
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: "normal",
        gridColor: grid,
        domainColor: grid,
        tickColor: grid,
        labelPadding: 6,
      },
      legend: {
        orient: "top",
        direction: "horizontal",
        title: null,
        labelColor: text,
        labelFontSize: 12,
        symbolType: "square",
        symbolSize: 110,
        labelLimit: 220,
        columnPadding: 18,
      },
    },
  };
}
