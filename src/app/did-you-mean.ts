// Which known name a wrong one was meant to be.

import { letterDistance } from "../letters.ts";

/** So many letters may be wrong, of how many: one in a short name, two in most. */
const LETTERS_PER_SLIP = 6;

/**
 * The known name that is nearest: it differs by a slip or two, or in upper and lower case alone, or lacks a word of what was written
 * (`DISCORD_BOT_TOKEN`, `embeddingsBaseUrl`).
 * @returns undefined when none is near
 */
export function nearestName(written: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, slips: letterDistance(written.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.slips - other.slips);
  const [nearest] = ranked;
  if (nearest === undefined) return undefined;
  if (nearest.slips <= Math.max(1, Math.floor(written.length / LETTERS_PER_SLIP))) return nearest.name;
  return ranked.find(({ name }) => hasWordsOf(written, name))?.name;
}

/** Whether it is the name with a word more, of the same beginning; a plural counts as its singular. */
function hasWordsOf(written: string, name: string): boolean {
  const [has, wanted] = [wordsOf(written), wordsOf(name)];
  const isOneMore = wanted.length > 1 && has.length <= wanted.length + 1;
  return isOneMore && has[0] === wanted[0] && wanted.every((word) => has.includes(word));
}

const wordsOf = (name: string) =>
  (name.includes("_") ? name : name.replace(/(?=[A-Z])/g, "_"))
    .toLowerCase()
    .split("_")
    .filter(Boolean)
    .map((word) => word.replace(/s$/, ""));
