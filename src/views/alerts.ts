// An alert's two posts: raised and resolved. Says what happened, what the run does, and what an admin can do. Pure.

import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import type { Alert, AlertName } from "../backfill/run/alerts.ts";
import type { StoredAlertDetail } from "../backfill/run/facts.ts";
import { isResumable } from "../backfill/run/run.ts";
import { budgetText } from "./cost.ts";
import { type Button, button, card, colors, customId, joinLines, type View } from "./message.ts";
import { storageTroubleText, waitingForText } from "./reasons.ts";
import { about, bytes, count, duration, latency, percent, plain } from "./words.ts";

export const alertTitles: Readonly<Record<AlertName, string>> = {
  "slow-embedder": "The search model answers slowly",
  "failing-batches": "Many requests to the search model fail",
  "disk-low": "Disk space is low",
  "memory-high": "Memory is nearly full",
  "embedder-down": "The search model does not answer",
  "storage-down": "The archive or the search index is out of reach",
  stalled: "No progress for a while",
  "budget-near": "The month's budget is nearly used up",
  "budget-spent": "The month's budget is used up",
};

const advice: Readonly<Record<AlertName, string>> = {
  "slow-embedder":
    "Nothing for now. If it stays slow, see whether the computer that runs the model is busy with something else.",
  "failing-batches":
    "Press Show failures: the reasons are listed there. Messages that fail are set aside, not lost, and can be tried again.",
  "disk-low": "Free some disk space on the machine the bot runs on, then press Resume. Nothing has been lost.",
  "memory-high": "Nothing for now. If it stays, give the bot more memory, or use the gentle pace next time.",
  "embedder-down":
    "See whether the program that runs the model is started and has the model loaded. The backfill goes on by itself as soon as it answers. Meanwhile search finds messages by their words, not by their meaning.",
  "storage-down":
    "See whether what the bot stores in can be reached and written: the disk, or the database and the object store it is set up with. The backfill goes on by itself as soon as it can. What is written on Discord meanwhile is not lost.",
  stalled: "See above what it waits for. If that does not pass, pause and resume, or restart the bot: nothing is lost.",
  "budget-near":
    "Nothing, if the budget is right. Else raise it (EMBEDDINGS_BUDGET) and restart the bot. With the new month (UTC) it begins anew.",
  "budget-spent":
    "Raise the budget (EMBEDDINGS_BUDGET) and restart the bot, or wait for the new month (UTC), when it begins anew. Then press Resume. Nothing has been lost.",
};

const neverHeldBack = "New messages and searches are never held back: what they take is on top of it.";

/** What the run does about it. The command is what admins type, e.g. "/backfill". */
const consequences: Readonly<Record<AlertName, (command: string) => string>> = {
  "slow-embedder": () => "It sends less at a time until the answers come faster.",
  "failing-batches": (command) =>
    `It goes on. Messages that the model refuses are set aside and listed in ${command} failures.`,
  "disk-low": () => "It is paused, before the disk is full. What is done is stored.",
  "memory-high": () => "It sends half as much at a time, and more again when there is room.",
  "embedder-down": () => "It waits, and goes on by itself. Nothing is lost, and no message counts as failed.",
  "storage-down": () => "It waits, and goes on by itself where it was. Nothing that was stored is lost.",
  stalled: () => "It keeps trying.",
  "budget-near": () => `It goes on, and is paused before the budget is passed. ${neverHeldBack}`,
  "budget-spent": () => `It is paused, before the budget is passed. What is done is stored. ${neverHeldBack}`,
};

/** What was measured. What earlier versions stored in words is shown as it is. */
export function alertText(detail: StoredAlertDetail): string {
  if (typeof detail === "string") return detail;
  switch (detail.kind) {
    case "slow-request":
      return `The last request took ${latency(detail.tookMs)}; up to ${latency(detail.limitMs)} would be fine.`;
    case "failed-requests":
      return `${percent(detail.failed, detail.of)} of the last ${count(detail.of)} requests failed; up to ${percent(detail.limit, 1)} would be fine.`;
    case "disk":
      return `${bytes(detail.freeBytes)} free, and ${bytes(detail.wantedBytes)} should be.`;
    case "memory":
      return `${percent(detail.usedBytes, detail.limitBytes)} of ${bytes(detail.limitBytes)} are in use; up to ${percent(detail.limit, 1)} would be fine.`;
    case "budget":
      return `Used this month: ${detail.use === undefined ? "there is no budget any more" : budgetText(detail.use)}.`;
    case "embedder":
      return detail.message;
    case "embedder-answers":
      return "It answers again.";
    case "storage":
      return storageTroubleText(detail.because);
    case "storage-usable":
      return "It can be used again.";
    case "no-progress": {
      const { waitingFor } = detail;
      const what = waitingFor ? waitingForText(waitingFor) : "an answer of the search model or the disk";
      return `Nothing has got done for ${about(detail.ms)}. It waits for ${what}.`;
    }
    case "no-run":
      return "No backfill is at work any more.";
  }
}

/** Nothing gets on meanwhile. */
const bad: ReadonlySet<AlertName> = new Set(["disk-low", "embedder-down", "storage-down", "budget-spent"]);

export function alertRaisedView(alert: Alert, status: BackfillStatus): View {
  return card({
    title: `⚠️ ${alertTitles[alert.name]}`,
    color: bad.has(alert.name) ? colors.bad : colors.warning,
    fields: [
      { name: "What happened", value: plain(alertText(alert.detail)) },
      { name: "What the backfill does", value: consequences[alert.name](status.command) },
      { name: "What you can do", value: advice[alert.name] },
    ],
    timestamp: new Date(alert.raisedAt).toISOString(),
    buttons: alertButtons(alert, status),
  });
}

export function alertResolvedView(alert: Alert, status: BackfillStatus): View {
  const resolvedAt = alert.resolvedAt ?? status.at;
  const canResume = status.run !== undefined && isResumable(status.run.status);
  return card({
    title: `✅ Resolved: ${alertTitles[alert.name]}`,
    color: colors.good,
    description: joinLines(
      plain(alertText(alert.detail)),
      `It lasted ${duration(resolvedAt - alert.raisedAt)}.`,
      canResume ? "The backfill is still paused: press Resume when you are ready." : "",
    ),
    timestamp: new Date(resolvedAt).toISOString(),
    buttons: canResume ? [button("Resume", customId("backfill", "resume"), "success")] : [],
  });
}

function alertButtons(alert: Alert, status: BackfillStatus): Button[] {
  if ((alert.name === "disk-low" || alert.name === "budget-spent") && status.run)
    return [button("Resume", customId("backfill", "resume"), "success")];
  if (alert.name === "failing-batches") return [button("Show failures", customId("backfill", "failures"))];
  return [];
}
