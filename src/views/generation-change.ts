// A change of the search model, the texts or the columns, as people see it: the question after a restart, the line in status and analysis,
// and the way back. Pure.

import type { Analysis } from "../backfill/compare/survey.ts";
import type { Generation, GenerationChange } from "../ports/generations.ts";
import { costText } from "./cost.ts";
import { type Button, button, card, colors, customId, sentence, type View } from "./message.ts";
import { about, count, plain, rate } from "./words.ts";

/** What changed, in one sentence. */
function whatChanged({ from: [former], to, isSameModel }: GenerationChange): string {
  if (former === undefined || isSameModel) return "This version prepares messages for search in a better way.";
  if (former.space.modelId === to.space.modelId) {
    const isShorter = former.space.dimensions !== to.space.dimensions;
    const how = isShorter ? `with ${count(to.space.dimensions)} numbers for each message` : "in another version";
    return `The search model is still ${plain(to.space.modelId)}, but ${how}.`;
  }
  return `The search model was changed from ${plain(former.space.modelId)} to ${plain(to.space.modelId)}.`;
}

/** How searches are answered meanwhile. */
function meanwhile({ from }: GenerationChange): string {
  const isGone = from.some(({ embedder }) => embedder.kind === "unknown");
  return isGone
    ? "Meanwhile search still finds everything; what is not done yet, by its words alone."
    : "Meanwhile search still finds everything: it asks the former index and the new one.";
}

/** For /backfill status and analyze. */
export function changeLine(change: GenerationChange): string {
  if (change.isHeldBack) {
    const [former] = change.from;
    return `The former search index (${plain(former?.space.modelId ?? "unknown")}) is in use again, at an admin's wish; messages that came since are found with the present one. A backfill completes the present one, which then takes over.`;
  }
  return `${whatChanged(change)} ${meanwhile(change)} A backfill does the rest; the former index is deleted some days after that.`;
}

/** Asked once after a restart, in the admin channel. */
export function generationChangeView(change: GenerationChange, analysis: Analysis): View {
  const work = analysis.missing + analysis.stale;
  const ready = analysis.preflight.every(({ ok }) => ok);
  const time =
    analysis.estimatedMs === undefined
      ? "How long that takes is not known: the model does not answer at the moment."
      : `That takes ${about(analysis.estimatedMs)} (${rate(analysis.recordsPerSecond)}, measured just now); searches and new messages come first.`;
  return card({
    title: "Search is about to get a new index",
    color: colors.neutral,
    description: [
      whatChanged(change),
      `**${count(work, "message")}** ${work === 1 ? "has" : "have"} to be made searchable anew. ${time}`,
      ...(analysis.cost ? [`${costText(analysis.cost)}.`] : []),
      meanwhile(change),
      ...(ready ? [] : ["Something is in the way of it at the moment: Analyze says what."]),
    ].join("\n"),
    buttons: [
      button("Start now", customId("backfill", "start"), "success"),
      button("Later", customId("backfill", "later")),
      ...(ready ? [] : [analyzeButton]),
    ],
  });
}

const analyzeButton: Button = button("Analyze", customId("backfill", "analyze"), "primary");

/** After *Later*. */
export function laterView(): View {
  return sentence(
    "Later, then: this button begins it whenever you like. Search goes on finding everything until then.",
    [button("Start now", customId("backfill", "start"))],
  );
}

export function rollbackIndexQuestionView(former: Generation): View {
  return card({
    title: "Go back to the former search index?",
    color: colors.warning,
    description: [
      `It was made with ${plain(former.space.modelId)}. Search then takes from it what it has, and only what is newer from the present one.`,
      "Nothing is deleted. A backfill makes the present one take over again.",
    ].join("\n"),
    buttons: [
      button("Go back", customId("backfill", "rollback-index", former.fingerprint), "danger"),
      button("Leave it as it is", customId("backfill", "cancel")),
    ],
  });
}

export function rolledBackIndexView({ space }: Generation): View {
  return sentence(
    `↩️ Search uses the former index again (${plain(space.modelId)}), and the present one for what is newer. For new messages to go into it again, put back the settings it was made with. To do without it again, start a backfill.`,
    [button("Status", customId("backfill", "status"))],
  );
}
