// The one progress message of a run, edited in place, and the pieces it shares with /backfill status. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import {
  currentPhase,
  isActive,
  isResumable,
  type Phase,
  type PhaseName,
  type Run,
  totals,
} from "../backfill/run/run.ts";
import { alertText, alertTitles } from "./alerts.ts";
import { healthField } from "./health.ts";
import { type Button, button, card, colors, customId, fitLines, type View } from "./message.ts";
import { reasonText, waitingForText } from "./reasons.ts";
import { about, ago, bar, count, percent, plain, rate } from "./words.ts";

export const phaseTitles: Readonly<Record<PhaseName, string>> = {
  recent: "recent (the last 30 days)",
  medium: "medium (30 to 90 days ago)",
  full: "full (older)",
  notes: "notes",
};

const statusTitles: Readonly<Record<Run["status"], { title: string; color: number }>> = {
  running: { title: "▶️ Backfill running", color: colors.neutral },
  pausing: { title: "⏸️ Backfill pausing", color: colors.quiet },
  paused: { title: "⏸️ Backfill paused", color: colors.quiet },
  waiting: { title: "⏳ Backfill waiting", color: colors.warning },
  interrupted: { title: "⚠️ Backfill interrupted", color: colors.warning },
  succeeded: { title: "✅ Backfill finished", color: colors.good },
  failed: { title: "❌ Backfill failed", color: colors.bad },
  cancelled: { title: "↩️ Backfill rolled back", color: colors.quiet },
};

/** The progress message of the admin channel. */
export function progressView(status: BackfillStatus): View {
  if (!status.run) return card({ title: "No backfill yet", color: colors.quiet });
  return card({ ...runEmbed(status, status.run), buttons: runButtons(status.run) });
}

/** Title, bar, phases, rate, time left, failures, alerts and health lights of a run. */
export function runEmbed(status: BackfillStatus, run: Run): APIEmbed {
  const { title, color } = statusTitles[run.status];
  const sum = totals(run);
  const total = sum.read + sum.remaining;
  const isFetching = run.collection !== undefined && !run.collection.finished;
  const lines = isFetching
    ? fetched(run)
    : [`\`${bar(sum.read, total)}\` **${percent(sum.read, total)}**`, headline(status, run, sum.read, total)];
  const selfEvident = run.status === "running" || run.status === "succeeded";
  if (!selfEvident) lines.push(`Why (${ago(run.statusAt)}): ${plain(reasonText(run.reason, status.command))}`);
  if (status.waitingFor && isActive(run.status)) lines.push(`Waiting for: ${plain(waitingForText(status.waitingFor))}`);

  const fields: APIEmbedField[] = [{ name: "Phases, newest first", value: phaseLines(run) }];
  if (isFetching && run.collection) fields.push(...fetchedByChannel(run.collection));
  if (sum.read > 0) fields.push({ name: "What became of them", value: outcomes(run) });
  if (status.alerts.length > 0) fields.push(alertsField(status));
  fields.push(healthField(status.health));
  return {
    title,
    description: lines.join("\n"),
    color,
    fields,
    footer: { text: `Pace: ${run.pace} · run ${run.id}` },
    timestamp: new Date(status.at).toISOString(),
  };
}

/** How far the fetching is, as far as Discord says how much there is. */
function fetched({ collection, runningMs }: Run): string[] {
  const { collected = 0, expected } = collection ?? {};
  const what = "📥 Fetching the history from Discord first";
  if (expected === undefined || expected <= collected) return [`${what}: ${count(collected, "message")} so far`];
  const leftMs = collected > 0 && runningMs > 0 ? ((expected - collected) * runningMs) / collected : undefined;
  const left = leftMs === undefined ? "" : ` · ${about(leftMs)} left`;
  return [
    `\`${bar(collected, expected)}\` **${percent(collected, expected)}**`,
    `${what}: **${count(collected)}** of about **${count(expected, "message")}**${left}`,
  ];
}

const channelsShown = 10;

function fetchedByChannel({ byChannel = {} }: NonNullable<Run["collection"]>): APIEmbedField[] {
  const channels = Object.entries(byChannel).sort(([, a], [, b]) => b - a);
  if (channels.length === 0) return [];
  const lines = channels.slice(0, channelsShown).map(([id, messages]) => `<#${id}>: ${count(messages)}`);
  const rest = channels.slice(channelsShown);
  if (rest.length > 0) {
    const messages = rest.reduce((sum, [, each]) => sum + each, 0);
    lines.push(`and ${count(rest.length, "more channel", "more channels")}: ${count(messages)}`);
  }
  return [{ name: "Fetched so far", value: fitLines(lines, 1_024) }];
}

/** Pause while it works, Resume while it can be resumed, and the failures when there are any. Anyone sees them; using them needs Manage Server. */
export function runButtons(run: Run): Button[] {
  const buttons: Button[] = [];
  if (run.status === "running" || run.status === "waiting") {
    buttons.push(button("Pause", customId("backfill", "pause"), "secondary"));
  }
  if (run.status === "pausing") buttons.push(button("Pausing…", customId("backfill", "pause"), "secondary"));
  if (isResumable(run.status)) buttons.push(button("Resume", customId("backfill", "resume"), "success"));
  if (totals(run).quarantined > 0) buttons.push(button("Show failures", customId("backfill", "failures")));
  return buttons;
}

export function alertsField(status: BackfillStatus): APIEmbedField {
  const lines = status.alerts.map(
    (alert) => `⚠️ **${alertTitles[alert.name]}**, began ${ago(alert.raisedAt)}: ${plain(alertText(alert.detail))}`,
  );
  return { name: "Warnings", value: fitLines(lines, 1_024) };
}

function headline(status: BackfillStatus, run: Run, read: number, total: number): string {
  const facts = [`**${count(read)}** of **${count(total, "message")}**`];
  if (isActive(run.status)) {
    if (status.recordsPerSecond !== undefined) facts.push(rate(status.recordsPerSecond));
    if (status.etaMs !== undefined) facts.push(`${about(status.etaMs)} left`);
  }
  return facts.join(" · ");
}

/** Those with nothing in them are left out, unless that is all there is. */
function phaseLines(run: Run): string {
  if (run.collection && !run.collection.finished) return "They are counted when everything is fetched.";
  const some = run.phases.filter(({ planned, counters }) => planned + counters.read > 0);
  return some.map((phase) => phaseLine(phase, run)).join("\n") || "Nothing is stored that could be made searchable.";
}

function phaseLine(phase: Phase, run: Run): string {
  const done = phase.cursor === undefined;
  const mark = done ? "✅" : currentPhase(run) === phase ? "▶️" : "▫️";
  const { read } = phase.counters;
  const total = done ? read : Math.max(phase.planned, read);
  const share = !done && read > 0 ? `, ${percent(read, total)}` : "";
  return `${mark} ${phaseTitles[phase.name]}: ${count(read)} of ${count(total)}${share}`;
}

function outcomes(run: Run): string {
  const { embedded, unchanged, skipped, quarantined } = totals(run);
  const already = unchanged > 0 ? ` · ${count(unchanged)} already were` : "";
  const lines = [`🔎 ${count(embedded)} made searchable${already}`];
  if (skipped > 0)
    lines.push(`▫️ ${count(skipped)} ${skipped === 1 ? "has" : "have"} nothing to search: no text, no file names`);
  if (quarantined > 0) lines.push(`❗ ${count(quarantined)} could not be, and are set aside for another try`);
  if (run.batches.failed > 0) {
    const { failed, sent } = run.batches;
    lines.push(
      `↻ ${count(failed)} of ${count(sent, "request")} to the search model had to be repeated (${percent(failed, sent)})`,
    );
  }
  return lines.join("\n");
}
