// Times as Discord words them, in the reader's own zone.

const LOCALE = "en-GB";

const styles: Readonly<Record<string, Intl.DateTimeFormatOptions>> = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

const steps = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** @param style a letter of `<t:seconds:style>` */
export function formatTime(timeMs: number, style: string, nowMs: number): string {
  if (style === "R") return relativeTime(timeMs, nowMs);
  return new Intl.DateTimeFormat(LOCALE, styles[style] ?? styles.f).format(timeMs);
}

function relativeTime(timeMs: number, nowMs: number): string {
  const seconds = (timeMs - nowMs) / 1_000;
  const [unit, size] = steps.find(([, size]) => Math.abs(seconds) >= size) ?? (["second", 1] as const);
  return new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** As it stands beside an author: "Today at 14:05". */
export function messageTime(timeMs: number, nowMs: number): string {
  const clock = formatTime(timeMs, "t", nowMs);
  const days = Math.round((startOfDay(nowMs) - startOfDay(timeMs)) / 86_400_000);
  if (days === 0) return `Today at ${clock}`;
  if (days === 1) return `Yesterday at ${clock}`;
  return `${new Intl.DateTimeFormat(LOCALE, { dateStyle: "short" }).format(timeMs)} ${clock}`;
}

/** Midnight before, in the reader's zone. */
export function startOfDay(timeMs: number): number {
  return new Date(timeMs).setHours(0, 0, 0, 0);
}
