// How numbers, durations, sizes, moments and other people's text are written for people to read on Discord. Pure.

import { DIRECTION_CONTROLS } from "../search/shown-text.ts";

const numbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

/** "12,345", or with a noun "1 record" / "12,345 records". Not a number reads as "?". */
export function count(value: number, noun?: string, plural = `${noun}s`): string {
  const text = Number.isFinite(value) ? numbers.format(Math.trunc(value)) : "?";
  if (noun === undefined) return text;
  return `${text} ${value === 1 ? noun : plural}`;
}

/** "62.4 %". Rounded so that only all is "100 %" and only nothing is "0 %". */
export function percent(part: number, whole: number): string {
  if (!(whole > 0) || !(part > 0)) return "0 %";
  if (part >= whole) return "100 %";
  // A share like 0.57 is a little less than that in binary.
  const tenths = Math.floor((part / whole) * 1000 + 1e-9) / 10;
  return tenths === 0 ? "under 0.1 %" : `${tenths} %`;
}

/** "1,240 messages a second"; "unknown" when not measured. */
export function rate(perSecond: number | undefined): string {
  if (perSecond === undefined || !Number.isFinite(perSecond)) return "unknown";
  return `${(perSecond < 10 ? oneDecimal : numbers).format(Math.max(0, perSecond))} messages a second`;
}

const units = [
  { name: "day", ms: 86_400_000 },
  { name: "hour", ms: 3_600_000 },
  { name: "minute", ms: 60_000 },
  { name: "second", ms: 1_000 },
] as const;

/** A measured duration with its two largest units: "3 minutes 20 seconds", "4.2 seconds", "less than a second". */
export function duration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return "unknown";
  if (ms < 1_000) return "less than a second";
  if (ms < 9_950) return `${oneDecimal.format(ms / 1_000)} seconds`;
  const rounded = Math.round(ms / 1_000) * 1_000;
  const first = units.findIndex((unit) => rounded >= unit.ms);
  return units
    .slice(first, first + 2)
    .map((unit, at) => {
      const larger = units[first + at - 1];
      return { unit, amount: Math.floor((at === 0 || !larger ? rounded : rounded % larger.ms) / unit.ms) };
    })
    .filter(({ amount }) => amount > 0)
    .map(({ unit, amount }) => count(amount, unit.name))
    .join(" ");
}

/** How long a request took: "41 ms", "7.4 seconds". */
export function latency(ms: number): string {
  return ms < 999.5 ? `${count(Math.round(ms))} ms` : duration(ms);
}

/** A wait in short: "20 s", "12 min", "24 h". */
export function shortWait(ms: number): string {
  if (ms < 2 * 60_000) return `${Math.max(0, Math.ceil(ms / 1_000))} s`;
  return ms < 2 * 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

/** An estimate as a person would say it: "about 3 minutes", "about 1 hour 20 minutes", "a few seconds". */
export function about(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms) || ms < 0) return "unknown";
  if (ms < 10_000) return "a few seconds";
  const step = ms < 60_000 ? 10_000 : ms < 3_600_000 ? 60_000 : ms < 86_400_000 ? 300_000 : 3_600_000;
  return `about ${duration(Math.max(step, Math.round(ms / step) * step))}`;
}

/** Decimal units, as disks are sold: "8.2 GB", "512 MB", "0 bytes". */
export function bytes(value: number): string {
  if (!Number.isFinite(value) || value < 0) return "unknown";
  const scales = [
    { name: "TB", size: 1e12 },
    { name: "GB", size: 1e9 },
    { name: "MB", size: 1e6 },
    { name: "KB", size: 1e3 },
  ];
  const scale = scales.find(({ size }) => value >= size);
  if (!scale) return count(value, "byte");
  const amount = value / scale.size;
  return `${(amount < 10 ? oneDecimal : numbers).format(amount)} ${scale.name}`;
}

/** Two digits after the point, and more where it would be "$0.00". */
export function inDollars(dollars: number): string {
  if (dollars > 0 && dollars < 0.0001) return "less than $0.0001";
  return `$${dollars > 0 && dollars < 0.01 ? dollars.toFixed(4) : dollars.toFixed(2)}`;
}

/** A moment as "3 minutes ago", in the reader's own language and time zone. @param atMs milliseconds since 1970 */
export function ago(atMs: number): string {
  return `<t:${Math.floor(atMs / 1_000)}:R>`;
}

/** "2025-02" as "February 2025" or "Feb 2025". */
export function monthName(month: string, length: "short" | "long" = "long"): string {
  const at = new Date(`${month}-01T00:00:00Z`);
  return at.toLocaleDateString("en-US", { month: length, year: "numeric", timeZone: "UTC" });
}

/** A moment as date and time, in the reader's own language and time zone. @param atMs milliseconds since 1970 */
export function moment(atMs: number): string {
  return `<t:${Math.floor(atMs / 1_000)}:f>`;
}

/** A bar of blocks. Full only when everything is done, empty only when nothing is. */
export function bar(part: number, whole: number, width = 20): string {
  const ratio = whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  let filled = Math.round(ratio * width);
  if (ratio < 1) filled = Math.min(filled, width - 1);
  if (ratio > 0) filled = Math.max(filled, 1);
  return "█".repeat(filled) + "░".repeat(width - filled);
}

/** At most `max` UTF-16 units, ending in "…" when cut; never half of a surrogate pair. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, Math.max(0, max - 1)).replace(/[\uD800-\uDBFF]$/, "")}…`.slice(0, Math.max(0, max));
}

/** Replaces lone surrogates, which are not valid in a request body, by U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}

// What Discord renders as one piece (mentions, custom emoji, timestamps, links) is left whole; elsewhere markdown loses its power.
const atoms = /(<(?:@[!&]?|#|a?:\w{1,32}:|t:-?)\d+(?::[a-zA-Z])?>|<?https?:\/\/[^\s<>]+>?)/;

/**
 * Somebody's text on one line, safe inside our layout: no markdown, no line breaks, no direction overrides, well formed.
 * Mentions and links still show as such; that they ping nobody is up to `allowed_mentions`.
 */
export function plain(text: string): string {
  return wellFormed(text)
    .replace(DIRECTION_CONTROLS, "")
    .replace(/[\u200E\u200F\u061C]/g, "")
    .replace(/\s+/gu, " ")
    .trim()
    .split(atoms)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(/[\\*_~`|[\]<>#@]/g, "\\$&")))
    .join("");
}

/** Keeps right-to-left names from turning the rest of their line around. */
export function isolate(text: string): string {
  return /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF]/.test(text) ? `\u2068${text}\u2069` : text;
}

/** Where a message is. */
export function jumpLink(guildId: string, channelId: string, messageId: string): string {
  return `https://discord.com/channels/${guildId}/${channelId}/${messageId}`;
}
