// Tables as the benches print them, on the terminal and in Markdown, and numbers as people read them.

export interface Table {
  readonly title: string;
  /** The first column names the row; the others are numbers. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function asText({ title, columns, rows }: Table): string {
  const widths = columns.map((column, n) => Math.max(...[column, ...rows.map((row) => row[n] ?? "")].map(widthOf)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, n) => pad(cell, widths[n] ?? 0, n === 0))
      .join("  ")
      .trimEnd();
  return [title, line(columns), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

export function asMarkdown({ title, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = columns.map((_, n) => (n === 0 ? "---" : "---:"));
  return [`**${title}**`, "", line(columns), line(rule), ...rows.map(line)].join("\n");
}

const widthOf = (text: string) => [...text].length;

function pad(text: string, width: number, left: boolean): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return left ? text + space : space + text;
}

export const whole = (value: number) => Math.round(value).toLocaleString("en");
export const decimals = (value: number, places: number) =>
  value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
export const ms = (value: number) => (Number.isFinite(value) ? `${decimals(value, value < 10 ? 1 : 0)} ms` : "-");
export const seconds = (value: number) => (Number.isFinite(value) ? `${decimals(value, 1)} s` : "-");
export const mib = (bytes: number) => `${whole(bytes / 1_048_576)} MiB`;
export const ratio = (value: number) => (Number.isFinite(value) ? decimals(value, 2) : "-");

/** The value below which this share of the values lies; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** "p50 / p95 / p99" of milliseconds. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return "-";
  return [0.5, 0.95, 0.99].map((share) => decimals(percentile(values, share), 1)).join(" / ");
}
