// The dashboard, the table and the rules of docs/operating.md, held to the metrics that there are, and to Prometheus' own tool where it
// is found (Debian: the package prometheus).

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asText, DASHBOARD, dashboard } from "../../scripts/dashboard.ts";
import { createMetrics } from "../../src/adapters/prometheus/metrics.ts";
import { temporaryFolder } from "../support/backscroll.ts";

const operating = readFileSync(join(import.meta.dirname, "../../docs/operating.md"), "utf8");
const look = async () => ({
  ready: true,
  connected: true,
  guildCount: 1,
  guilds: [{ guildId: "7", pending: 3, setAside: 0, alerts: ["disk-low"] }],
  spending: { tokens: 5, dollars: 1, share: 0.5 },
  diskFreeBytes: 12e9,
  memoryUsedBytes: 1e9,
  memoryLimitBytes: 4e9,
});
const names = (await createMetrics(look).list()).map(({ name }) => name);
const series = (text: string) => [
  ...new Set([...text.matchAll(/\bbackscroll_\w+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ""))),
];
const [rules = ""] = [...operating.matchAll(/```yaml\n# backscroll-rules.yml\n([^`]+)```/g)].map(([, text]) => text);

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
if (!hasPromtool) console.log("promtool is not here (Debian: apt install prometheus): its checks are skipped");

test("the dashboard is the one that npm run dashboard makes: a panel for each metric", async () => {
  const made = await dashboard();
  expect(readFileSync(DASHBOARD, "utf8")).toBe(asText(made));
  expect(made.panels.map(({ targets }) => series(targets.map(({ expr }) => expr).join(" ")))).toEqual(
    names.map((name) => [name]),
  );
  expect(new Set(made.panels.map(({ title }) => title)).size).toBe(names.length);
});

test("the table and the rules of docs/operating.md name every metric, and none that is not there", () => {
  const table = operating.match(/^\| `backscroll_.*$/gm)?.join("\n") ?? "";
  expect(series(table).sort()).toEqual([...names].sort());
  expect(names).toEqual(expect.arrayContaining(series(rules.replace(/^\s*- (alert|name):.*$/gm, ""))));
  expect(rules).toContain("backscroll_upkeep_failed_total");
});

test.skipIf(!hasPromtool)(
  "Prometheus' own tool takes the rules, all that the dashboard asks, and the metrics themselves",
  async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "rules.yml"), rules);
    const asked = (await dashboard()).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const recorded = asked.map((expr, at) => ({
      record: `panel:${at}`,
      expr: expr.replaceAll("$__rate_interval", "5m").replaceAll("$guild", ".*"),
    }));
    // JSON is YAML, too.
    await writeFile(join(folder, "panels.yml"), JSON.stringify({ groups: [{ name: "panels", rules: recorded }] }));
    const said = execFileSync("promtool", ["check", "rules", "rules.yml", "panels.yml"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(said).toContain(`SUCCESS: ${recorded.length} rules found`);
    const { text } = await createMetrics(look).read();
    const own = `${text
      .split("\n")
      .filter((line) => line.includes("backscroll_"))
      .join("\n")}\n`;
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: own, encoding: "utf8" });
    expect(`${stdout}${stderr}`).toBe("");
    expect(status).toBe(0);
  },
);
