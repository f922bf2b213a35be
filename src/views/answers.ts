// The short answers of /backfill start, pause and rollback, and the questions they ask back. Pure.

import type { PauseOutcome, PlanDifference, StartOptions, StartOutcome } from "../backfill/lifecycle/outcomes.ts";
import { type PaceName, type PhaseName, type Run, type SourceName, totals } from "../backfill/run/run.ts";
import { nothingToDoView, refusedView } from "./analysis.ts";
import { costText, textsGoText } from "./cost.ts";
import { button, card, colors, customId, sentence, type View } from "./message.ts";
import { ago, count } from "./words.ts";

/** What `start` was asked for, as it travels in a button. */
export interface AskedPlan {
  readonly phases?: readonly PhaseName[];
  readonly pace?: PaceName;
  readonly source?: SourceName;
}

export function checkingView(): View {
  return sentence("🔎 Checking that everything is ready, and counting what is missing…");
}

/** Asked for by a person, who is told where the progress is shown. */
export type AskedStart = StartOptions & Required<Pick<StartOptions, "adminChannelId">>;

export function startView(outcome: StartOutcome, asked: AskedStart): View {
  const where = `The progress is shown in <#${asked.adminChannelId}>.`;
  const controls = [button("Status", customId("backfill", "status"))];
  switch (outcome.outcome) {
    case "started":
      return sentence(
        `▶️ The backfill has started${planned(outcome.status.run)}.${outcome.cost ? ` ${costText(outcome.cost)}.` : ""}${outcome.textsGoTo === undefined ? "" : ` ${textsGoText(outcome.textsGoTo)}`} ${where} It can be paused at any time, and goes on by itself after a restart.`,
        controls,
      );
    case "resumed":
      return sentence(
        `▶️ The backfill goes on where it stopped (it was ${outcome.from})${left(outcome.status.run)}. ${where}`,
        controls,
      );
    case "already-running":
      return sentence(`▶️ A backfill is at work already${left(outcome.status.run)}.`, controls);
    case "nothing-to-do":
      return nothingToDoView(outcome.analysis);
    case "refused":
      return refusedView(outcome.analysis);
    case "plan-differs":
      return planDiffersView(outcome.differences, asked);
  }
}

/** The unfinished run has another plan than the one asked for: which one goes on? */
function planDiffersView(differences: readonly PlanDifference[], asked: AskedStart): View {
  return card({
    title: "There is an unfinished backfill with another plan",
    color: colors.warning,
    description: [
      ...differences
        .slice(0, 10)
        .map(
          (difference) =>
            `• ${difference.option}: ${difference.asked.join(", ")} instead of ${difference.planned.join(", ")}`,
        ),
      "",
      "What has been done is kept either way. Which plan should go on?",
    ].join("\n"),
    buttons: [
      button("Keep its plan", customId("backfill", "keep", asked.adminChannelId), "primary"),
      button("Change to the new plan", customId("backfill", "change", ...planArguments(asked)), "danger"),
    ],
  });
}

function planArguments({ phases, pace, source, adminChannelId }: AskedStart): string[] {
  return [adminChannelId, phases?.join("+") ?? "", pace ?? "", source ?? ""];
}

export function pauseView(outcome: PauseOutcome): View {
  switch (outcome.outcome) {
    case "pausing":
      return sentence(
        "⏸️ Pausing: what has been begun is finished and stored first, which takes a moment. Nothing is lost.",
      );
    case "paused":
      return sentence("⏸️ The backfill is paused. Resume it whenever you like; it goes on where it stopped.");
    case "already-paused":
      return sentence("⏸️ The backfill was paused already.");
    case "forced":
      return sentence(
        "⏸️ Pausing took too long, so the backfill is paused now without finishing what was begun. That part is simply done again on resuming; nothing is lost.",
      );
    case "nothing-running":
      return sentence("No backfill is running, so there is nothing to pause.");
  }
}

export function rollbackQuestionView(run: Run): View {
  return card({
    title: "Take this backfill back?",
    color: colors.warning,
    description: [
      `The ${count(totals(run).embedded, "message")} that it made searchable (run \`${run.id}\`, started ${ago(run.startedAt)}) can then no longer be found by search, and it cannot be resumed.`,
      "The stored messages stay. What became searchable as it was written stays so. A new backfill can make it all searchable again.",
    ].join("\n"),
    buttons: [
      button("Roll back", customId("backfill", "rollback", run.id), "danger"),
      button("Leave it as it is", customId("backfill", "cancel")),
    ],
  });
}

function planned(run: Run | undefined): string {
  if (!run) return "";
  if (run.collection && !run.collection.finished) return "; first it fetches the history from Discord";
  return `: ${count(totals(run).planned, "message")} to look at`;
}

function left(run: Run | undefined): string {
  return run ? `, with ${count(totals(run).remaining, "message")} left` : "";
}
