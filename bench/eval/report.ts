// The evaluation as people read it: a table per judged set, and the averages over the sets.

import { type Ablation, ablations, type SetResult, type Ways } from "./configurations.ts";
import type { Latency, Quality } from "./measures.ts";

const ABLATIONS: Readonly<Record<Ablation, string>> = {
  author: "without author name",
  context: "without context",
  replies: "context is always the message before",
  title: "without titles",
  links: "links as they are",
  chunks: "without chunks",
};
const WAYS: Readonly<Record<keyof Ways<unknown>, string>> = {
  fullText: "full text only",
  vector: "vector only",
  hybrid: "hybrid (/search)",
};
const HEAD = ["", "nDCG@10", "recall@10", "MRR@10", "p50 ms", "p95 ms"];

/** One set's measures. */
export function setTable(result: SetResult): string {
  const rows = [["full text of the bare message", ...cells(result.bare)], ...waysRows("", result)];
  for (const name of Object.keys(ablations) as Ablation[]) {
    const ways = result.without[name];
    if (ways !== undefined) rows.push(...waysRows(`${ABLATIONS[name]}: `, ways));
  }
  const { title, messages, queries, rankingMs } = result;
  const counts = `${messages.toLocaleString("en")} messages, ${queries.toLocaleString("en")} queries`;
  return `${title}: ${counts}; ranking takes ${rankingMs.toFixed(1)} ms a query (median)\n${table([HEAD, ...rows])}`;
}

function waysRows(prefix: string, ways: Ways<Quality & Partial<Latency>>): string[][] {
  return (Object.keys(WAYS) as (keyof typeof WAYS)[]).map((way) => [prefix + WAYS[way], ...cells(ways[way])]);
}

function cells({ ndcg10, recall10, mrr10, p50Ms, p95Ms }: Quality & Partial<Latency>): string[] {
  return [ndcg10.toFixed(4), recall10.toFixed(4), mrr10.toFixed(4), p50Ms?.toFixed(1) ?? "", p95Ms?.toFixed(1) ?? ""];
}

/** A line for each set, in Markdown: what docs/evaluation.md shows. */
export function comparison(results: readonly SetResult[]): string {
  const lines = results.map(({ title, messages, queries, bare, fullText, vector, hybrid }) => {
    const [gain, ...values] = [hybrid.ndcg10 - bare.ndcg10, bare.ndcg10, fullText.ndcg10, vector.ndcg10];
    const cells = [...values.map((value) => value.toFixed(3)), `**${hybrid.ndcg10.toFixed(3)}**`, signed(gain)];
    return `| ${title} | ${messages.toLocaleString("en")}, ${queries.toLocaleString("en")} | ${cells.join(" | ")} |`;
  });
  const head = "| nDCG@10 | messages, questions | bare full text | full text | vectors | `/search` | more than bare |";
  return [head, "|---|---|---|---|---|---|---|", ...lines].join("\n");
}

const signed = (value: number): string => (value < 0 ? "" : "+") + value.toFixed(3);

/** All sets side by side, each counting the same, however hard it is. */
export function averages(results: readonly SetResult[]): string {
  const mean = (of: (result: SetResult) => number) =>
    results.reduce((total, result) => total + of(result), 0) / results.length;
  const rows = (["bare", "fullText", "vector", "hybrid"] as const).map((way) => {
    const value = mean((result) => result[way].ndcg10);
    const ratio = mean((result) => result[way].ndcg10 / result.bare.ndcg10);
    const label = way === "bare" ? "full text of the bare message" : WAYS[way];
    return [label, value.toFixed(4), `${ratio.toFixed(3)} x`];
  });
  return `Average of ${results.length} sets\n${table([["", "nDCG@10", "of bare"], ...rows])}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) => `  ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join("  ")}`.trimEnd())
    .join("\n");
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
