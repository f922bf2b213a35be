// /backfill failures: what could not be made searchable, why, and where it is; and the last batches that failed at first. Pure.

import type { APIEmbed } from "discord-api-types/v10";
import type { FailedBatch } from "../backfill/run/failed-batches.ts";
import type { QuarantineEntry } from "../ports/quarantine.ts";
import { button, colors, customId, fitLines, message, sentence, type View } from "./message.ts";
import { ago, clip, count, jumpLink, plain } from "./words.ts";

/**
 * @param total how many records there are in all; `entries` may be the newest of them only
 * @param batches of the latest run, the latest last
 */
export function failuresView(
  entries: readonly QuarantineEntry[],
  total: number,
  batches: readonly FailedBatch[],
  guildId: string,
): View {
  const embeds = [
    ...(entries.length > 0 ? [recordsEmbed(entries, total, guildId)] : []),
    ...(batches.length > 0 ? [batchesEmbed(batches)] : []),
  ];
  const none = "✅ No failures: every message with text could be made searchable.";
  if (embeds.length === 0) return sentence(none);
  if (entries.length === 0) return message({ content: none, embeds });
  return message({ embeds, buttons: [button("Try them again", customId("backfill", "retry"), "primary")] });
}

function recordsEmbed(entries: readonly QuarantineEntry[], total: number, guildId: string): APIEmbed {
  const lines = entries.map((entry) => {
    const what =
      entry.kind === "message" && entry.channelId
        ? `${jumpLink(guildId, entry.channelId, entry.id)}`
        : `${entry.kind} \`${entry.id}\``;
    const next = entry.retryAt === undefined ? "" : `, is tried again ${ago(entry.retryAt)}`;
    return `• ${what} ${ago(entry.at)}, ${count(entry.attempts, "attempt")}${next}: ${plain(clip(entry.reason, 200))}`;
  });
  return {
    title: `❗ ${count(Math.max(total, entries.length), "message")} could not be made searchable`,
    color: colors.warning,
    // Both lists together must fit one message.
    description: fitLines(lines, 3_200),
    footer: {
      text: "They are stored, only search does not find them. One that is edited gets another chance by itself.",
    },
  };
}

function batchesEmbed(batches: readonly FailedBatch[]): APIEmbed {
  const lines = [...batches].reverse().map((batch) => {
    const what = `${ago(batch.at)}, ${count(batch.texts, "message")}: ${plain(clip(batch.reason || "the reason is no longer kept", 150))}`;
    return `• ${what}\n  ↳ ${whatWasDone(batch)}`;
  });
  return {
    title: "↻ The latest requests to the search model that had to be repeated",
    color: colors.quiet,
    description: fitLines(lines, 2_200),
    footer: { text: "Nothing is lost: what was not set aside went through in the end, or is still being tried." },
  };
}

const times = (number: number) => (number === 1 ? "once" : `${count(number)} times`);

function whatWasDone({ waited, retried, halved, setAside }: FailedBatch): string {
  return [
    waited > 0 ? `waited ${times(waited)} until the model answered again` : "",
    retried > 0 ? `tried again ${times(retried)}` : "",
    halved > 0 ? `cut in two ${times(halved)} to find the message it fails on` : "",
    setAside > 0 ? `${count(setAside, "message")} set aside` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

/** The answer of /backfill retry. */
export function retriedView(released: number): View {
  if (released === 0) return sentence("There is nothing to try again: no message is set aside.");
  return sentence(
    `↻ ${count(released, "message")} ${released === 1 ? "gets" : "get"} another chance, now. The status shows how many are left.`,
    [button("Status", customId("backfill", "status"))],
  );
}
