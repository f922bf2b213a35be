// /backfill analyze: how much is searchable, what is missing and where, how long it will take, and whether a run can start. Pure.

import type { APIEmbed } from "discord-api-types/v10";
import type { Analysis, PhasePlan } from "../backfill/compare/survey.ts";
import { costText, textsGoText } from "./cost.ts";
import { distribution } from "./distribution.ts";
import { changeLine } from "./generation-change.ts";
import { checklist } from "./health.ts";
import { type Button, button, card, colors, customId, fitLines, message, sentence, type View } from "./message.ts";
import { phaseTitles } from "./progress.ts";
import { about, bar, bytes, count, duration, percent, plain, rate } from "./words.ts";

/** While the archive is being read. */
export function analyzingView(records: number): View {
  return sentence(`🔎 Looking at what is stored: ${count(records, "message")} so far…`);
}

export function analysisView(analysis: Analysis): View {
  const ready = analysis.preflight.every((check) => check.ok);
  return message({
    // The checklist and the plan come first: what is cut off when it gets long is the tail of the tables.
    embeds:
      analysis.records === 0 ? [overview(analysis)] : [overview(analysis), plan(analysis), distribution(analysis)],
    buttons: ready ? startButtons(analysis) : [],
  });
}

function startButtons(analysis: Analysis): Button[] {
  if (analysis.records === 0) return [collectButton];
  if (toDo(analysis) + analysis.orphaned === 0) return [];
  return [button("Start the backfill", customId("backfill", "start"), "success")];
}

/** For a server whose history is still only on Discord. The arguments: phases, pace, source. */
const collectButton = button(
  "Fetch the history and start",
  customId("backfill", "start", "", "", "discord"),
  "success",
);

/** Why `start` did not start: the failed checks, each with its remedy. */
export function refusedView(analysis: Analysis): View {
  const failed = analysis.preflight.filter((check) => !check.ok);
  return card({
    title: "❌ The backfill cannot start yet",
    color: colors.bad,
    description: "Nothing was changed. Press Try again when this is settled.",
    fields: [checklist(failed)],
    buttons: [button("Try again", customId("backfill", "start"), "primary")],
  });
}

/** Why `start` had nothing to do. */
export function nothingToDoView(analysis: Analysis): View {
  if (analysis.records === 0) {
    return card({
      title: "Nothing is stored yet",
      color: colors.quiet,
      description: emptyArchive,
      buttons: [collectButton],
    });
  }
  const lines = [coverageLine(analysis)];
  if (analysis.quarantined > 0) {
    lines.push(
      `${count(analysis.quarantined, "message")} ${analysis.quarantined === 1 ? "is" : "are"} set aside, and can be tried again.`,
    );
  }
  const all = toDo(analysis) === 0;
  return card({
    title: all ? "✅ Everything is searchable already" : "Nothing to do in the chosen phases",
    color: all ? colors.good : colors.quiet,
    description: lines.join("\n"),
    buttons: analysis.quarantined > 0 ? [button("Try them again", customId("backfill", "retry"), "primary")] : [],
  });
}

/** Counts by guild, for the application's owner. A guild that could not be counted says why. */
export function allGuildsView(
  guilds: readonly { readonly name: string; readonly result: Analysis | string }[],
  total: number,
): View {
  const lines = guilds.map(({ name, result }) =>
    typeof result === "string"
      ? `**${plain(name)}**: ${plain(result)}`
      : `**${plain(name)}**: ${count(result.embedded)} of ${count(result.records)} searchable, ${count(toDo(result))} to do (${about(result.estimatedMs)})`,
  );
  const counted = guilds.flatMap(({ result }) => (typeof result === "string" ? [] : [result]));
  const sum = (of: (analysis: Analysis) => number) => counted.reduce((all, analysis) => all + of(analysis), 0);
  return card({
    title: guilds.length < total ? `🔎 Analyzing: ${count(guilds.length)} of ${count(total, "server")}` : "All servers",
    color: colors.neutral,
    description: fitLines(lines, 3_800, (left) => `and ${count(left, "more server", "more servers")}`),
    footer: {
      text: `${count(sum((a) => a.embedded))} of ${count(
        sum((a) => a.records),
        "message",
      )} searchable in all`,
    },
  });
}

/** Records that a run would make searchable. */
function toDo(analysis: { readonly missing: number; readonly stale: number }): number {
  return analysis.missing + analysis.stale;
}

function coverageLine(analysis: Analysis): string {
  const { embedded, records, skipped } = analysis;
  const whole = records - skipped;
  const share = whole > 0 ? percent(embedded, whole) : "0 %";
  return `\`${bar(embedded, whole)}\` **${share}** searchable`;
}

function overview(analysis: Analysis): APIEmbed {
  const ready = analysis.preflight.every((check) => check.ok);
  return {
    title: "Backfill analysis",
    color: !ready ? colors.bad : toDo(analysis) > 0 ? colors.neutral : colors.good,
    description: analysis.records === 0 ? [emptyArchive, ...awaited(analysis)].join("\n") : coverageText(analysis),
    fields: [checklist(analysis.preflight), { name: "Where texts go", value: textsGoText(analysis.textsGoTo) }],
  };
}

export const emptyArchive =
  "Nothing of this server is stored yet: its messages are only on Discord. They can be fetched from there first.";

/** Discord gives a hundred messages in an answer, and forty answers in a second, but of each channel only a few. */
const FETCHED_PER_SECOND = 500;

/** How many and how long, of a server of which nothing is stored yet. */
function awaited({ onDiscord, recordsPerSecond, cost }: Analysis): string[] {
  if (onDiscord === undefined) return [];
  const fetching = (onDiscord / FETCHED_PER_SECOND) * 1_000;
  const embedding = recordsPerSecond ? (onDiscord / recordsPerSecond) * 1_000 : undefined;
  const whole =
    embedding === undefined ? "" : `, ${about(fetching + embedding)} to fetch them and make them searchable`;
  return [
    `Discord counts about **${count(onDiscord, "message")}** in what I can read${whole}.`,
    ...(cost ? [`${costText(cost)}.`] : []),
  ];
}

function coverageText(analysis: Analysis): string {
  const { records, notes, embedded, missing, stale, orphaned, skipped, quarantined, damaged } = analysis;
  const lines = [
    coverageLine(analysis),
    `**${count(records, "message")}** stored${notes > 0 ? `, ${count(notes, "note")} among them` : ""}`,
  ];
  if (embedded > 0) lines.push(`✅ ${count(embedded)} can be found by search`);
  if (missing > 0) lines.push(`▫️ ${count(missing)} cannot yet: a backfill does that`);
  if (stale > 0) lines.push(`▫️ ${count(stale)} were edited since and are out of date`);
  if (orphaned > 0) lines.push(`▫️ ${count(orphaned)} were deleted, but are still in the search index`);
  if (skipped > 0) lines.push(`▫️ ${count(skipped)} have nothing to search: no text, no file names`);
  if (quarantined > 0) lines.push(`❗ ${count(quarantined)} are set aside, and can be tried again`);
  if (damaged > 0) lines.push(`❗ ${count(damaged)} are damaged on the disk and cannot be read`);
  return lines.join("\n");
}

function plan(analysis: Analysis): APIEmbed {
  const lines = analysis.phases.filter(({ records }) => records > 0).map(phasePlanLine);
  const work = toDo(analysis);
  lines.push(
    work === 0
      ? "**Nothing to do.**"
      : `**In all: ${count(work, "message")}, ${analysis.estimatedMs === undefined ? "time unknown until the model answers" : about(analysis.estimatedMs)}**`,
  );
  const facts = [
    `Search model: ${plain(analysis.modelId)}, ${analysis.recordsPerSecond === undefined ? "its speed could not be measured" : `${rate(analysis.recordsPerSecond)}, measured just now`}`,
    `Disk: about ${bytes(analysis.diskNeededBytes)} needed, ${Number.isFinite(analysis.diskFreeBytes) ? `${bytes(analysis.diskFreeBytes)} free` : "stored elsewhere"}`,
    `Average length of a message: ${count(Math.round(analysis.averageLength), "character")}`,
  ];
  if (analysis.cost && work > 0) facts.push(costText(analysis.cost));
  if (analysis.change) facts.push(changeLine(analysis.change));
  return {
    color: colors.neutral,
    fields: [
      { name: "The plan, newest first", value: lines.join("\n") },
      { name: "What it takes", value: facts.join("\n") },
    ],
    footer: { text: `Counted in ${duration(analysis.tookMs)}` },
    timestamp: new Date(analysis.at).toISOString(),
  };
}

function phasePlanLine(phase: PhasePlan): string {
  const work = toDo(phase);
  if (work === 0) return `✅ ${phaseTitles[phase.name]}: nothing to do (${count(phase.records)} stored)`;
  const time = phase.estimatedMs === undefined ? "" : `, ${about(phase.estimatedMs)}`;
  return `▫️ ${phaseTitles[phase.name]}: ${count(work)} of ${count(phase.records, "message")} to do${time}`;
}
