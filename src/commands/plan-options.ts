// The plan a person asks for: which phases, at what pace, from where. Parsed from options and from buttons.

import { type PaceName, type PhaseName, paces, phaseNames, type SourceName, sources } from "../backfill/run/run.ts";
import { UserError } from "../errors.ts";
import type { AskedPlan } from "../views/answers.ts";

/**
 * Phases as a person types them: "recent, medium", "full+notes", "all"; in the order they are run.
 * @returns undefined for all @throws UserError for a word that is no phase
 */
function parsePhases(text: string | null | undefined): readonly PhaseName[] | undefined {
  const words = (text ?? "")
    .toLowerCase()
    .split(/[\s,;+&]+|\band\b/)
    .filter(Boolean);
  if (words.length === 0 || words.includes("all")) return undefined;
  const unknown = words.find((word) => !phaseNames.some((name) => name === word));
  if (unknown !== undefined) {
    throw new UserError(
      `There is no phase “${unknown.slice(0, 40)}”. The phases are ${phaseNames.join(", ")}: name one or more of them, or all. Nothing was started.`,
    );
  }
  return phaseNames.filter((name) => words.includes(name));
}

/** Every choice of phases that begins like what is typed, the most useful first. Discord shows at most 25. */
export function suggestPhases(typed: string): { name: string; value: string }[] {
  const combinations = Array.from({ length: 2 ** phaseNames.length - 1 }, (_, at) =>
    phaseNames.filter((_, bit) => (at + 1) & (1 << bit)),
  );
  const words = typed
    .toLowerCase()
    .split(/[\s,;+&]+/)
    .filter(Boolean);
  return [
    { name: "all: recent, medium, full, notes", value: "all" },
    ...combinations
      .filter((names) => names.length < phaseNames.length)
      .sort((a, b) => a.length - b.length)
      .map((names) => ({ name: names.join(", "), value: names.join(", ") })),
  ].filter(({ name }) => words.every((word) => name.includes(word)));
}

/** The plan in a button's custom id, in the order views/answers.ts writes it. */
export function planFromArguments([phases, pace, source]: readonly string[]): AskedPlan {
  return plan(phases, pace, source);
}

/** Only what was given; an unknown pace or source counts as not given (Discord offers the known ones only). */
export function plan(phases?: string | null, pace?: string | null, source?: string | null): AskedPlan {
  const wantedPhases = parsePhases(phases);
  const wantedPace: PaceName | undefined = paces.find((name) => name === pace);
  const wantedSource: SourceName | undefined = sources.find((name) => name === source);
  return {
    ...(wantedPhases && { phases: wantedPhases }),
    ...(wantedPace && { pace: wantedPace }),
    ...(wantedSource && { source: wantedSource }),
  };
}
