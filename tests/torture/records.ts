// What is tortured: messages of two and a half years with notes, long texts that become several rows, and texts with nothing in them.

import type { ArchivedRecord } from "../../src/ports/records.ts";
import { hoursAgo, message } from "../support/engine.ts";

const SPAN_HOURS = 22_000;
const TOPICS = [
  "kettle",
  "soldering",
  "antenna",
  "garden",
  "laser",
  "violin",
  "harbour",
  "glacier",
  "falcon",
  "quartz",
];

/** Newest first, always the same but for the moment they end at. */
export function tortureRecords(count: number): ArchivedRecord[] {
  return Array.from({ length: count }, (_, n) => {
    const id = hoursAgo(1 + (n * SPAN_HOURS) / count);
    const channelId = String(10 + (n % 3));
    if (n % 20 === 7) return message(id, text(n), { kind: "note", channelId, visibility: "private" });
    if (n % 97 === 5) return message(id, "", { channelId });
    return message(id, n % 61 === 11 ? `${text(n)}. `.repeat(60) : text(n), { channelId });
  });
}

function text(n: number): string {
  const topic = TOPICS[n % TOPICS.length];
  return `message number ${n} about the ${topic} ${"and what came of it ".repeat(n % 7)}token${n}`;
}
