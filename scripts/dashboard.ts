// npm run dashboard: writes docs/grafana-dashboard.json, a Grafana dashboard with a panel for each metric that there is.

import { writeFile } from "node:fs/promises";
import { createMetrics, type MetricDescription } from "../src/adapters/prometheus/metrics.ts";

export const DASHBOARD = new URL("../docs/grafana-dashboard.json", import.meta.url);

const WIDTH = 24;
const PANELS_A_ROW = 3;
const HEIGHT = 7;
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts it in
const datasource = { type: "prometheus", uid: "${DS_PROMETHEUS}" };
const QUANTILES = [0.5, 0.95];

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

/** The whole dashboard, as Grafana imports it. */
export async function dashboard() {
  const metrics = await createMetrics(() => Promise.reject(new Error("nothing is read"))).list();
  return {
    __inputs: [{ name: "DS_PROMETHEUS", label: "Prometheus", type: "datasource", pluginId: "prometheus" }],
    title: "Backscroll",
    uid: "backscroll",
    tags: ["backscroll"],
    schemaVersion: 39,
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    templating: {
      list: [
        {
          name: "guild",
          label: "Server",
          type: "query",
          datasource,
          query: "label_values(backscroll_pending_messages, guild)",
          refresh: 2,
          multi: true,
          includeAll: true,
          current: { text: ["All"], value: ["$__all"] },
        },
      ],
    },
    panels: metrics.map(panel),
  };
}

function panel(metric: MetricDescription, at: number) {
  const width = WIDTH / PANELS_A_ROW;
  return {
    id: at + 1,
    title: titleOf(metric),
    description: `${metric.help} (${metric.name})`,
    type: isYesNo(metric) ? "stat" : "timeseries",
    datasource,
    gridPos: { x: (at % PANELS_A_ROW) * width, y: Math.floor(at / PANELS_A_ROW) * HEIGHT, w: width, h: HEIGHT },
    fieldConfig: { defaults: { unit: unitOf(metric), min: 0, ...(isYesNo(metric) && yesNo) }, overrides: [] },
    targets: targetsOf(metric).map((target, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource,
      ...target,
    })),
  };
}

function targetsOf({ name, type, labels }: MetricDescription): Target[] {
  const which = labels.includes("guild") ? '{guild=~"$guild"}' : "";
  const told = labels.map((label) => `{{${label}}}`).join(" ");
  const by = (...more: string[]) => [...more, ...labels].join(", ");
  if (type === "histogram") {
    return QUANTILES.map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (${by("le")}) (rate(${name}_bucket${which}[$__rate_interval])))`,
      legendFormat: `${quantile * 100} % are faster ${told}`.trim(),
    }));
  }
  if (type === "counter") {
    const rate = `rate(${name}${which}[$__rate_interval])`;
    return [
      { expr: labels.length > 0 ? `sum by (${by()}) (${rate})` : `sum(${rate})`, legendFormat: told || "a second" },
    ];
  }
  return [{ expr: `${name}${which}`, legendFormat: told || "{{instance}}" }];
}

const yesNo = {
  max: 1,
  mappings: [{ type: "value", options: { 0: { text: "no", color: "red" }, 1: { text: "yes", color: "green" } } }],
};

/** Whether it is 1 or 0, for this process as a whole. */
const isYesNo = ({ help, labels }: MetricDescription) => help.startsWith("1 w") && labels.length === 0;

function unitOf({ name, type }: MetricDescription): string {
  if (type === "counter") return "cps";
  if (name.endsWith("_bytes")) return "bytes";
  if (name.endsWith("_per_second")) return "cps";
  if (name.endsWith("_seconds")) return "s";
  if (name.endsWith("_ratio")) return "percentunit";
  return name.endsWith("_dollars") ? "currencyUSD" : "short";
}

/** "backscroll_pending_messages" -> "Pending messages" */
function titleOf({ name }: MetricDescription): string {
  const words = name.replace(/^backscroll_|_total$|_(bytes|seconds|ratio)$/g, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const asText = (made: object) => `${JSON.stringify(made, null, 2)}\n`;

if (import.meta.main ?? process.argv[1]?.endsWith("dashboard.ts")) {
  await writeFile(DASHBOARD, asText(await dashboard()));
}
