// Which known name a wrong one was meant to be.

/** So many letters may be wrong, of how many: one in a short name, two in most. */
const LETTERS_PER_SLIP = 6;

/**
 * The known name that is nearest: it differs by a slip or two, or in upper and lower case alone, or lacks a word of what was written
 * (`DISCORD_BOT_TOKEN`, `embeddingsBaseUrl`).
 * @returns undefined when none is near
 */
export function nearestName(written: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, slips: slipsBetween(written.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.slips - other.slips);
  const [nearest] = ranked;
  if (nearest === undefined) return undefined;
  if (nearest.slips <= Math.max(1, Math.floor(written.length / LETTERS_PER_SLIP))) return nearest.name;
  return ranked.find(({ name }) => hasWordsOf(written, name))?.name;
}

/** Letters to change, add, leave out or exchange with their neighbour (Damerau and Levenshtein, each place once). */
function slipsBetween(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = one[i - 1] === other[j - 1];
      const least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      next[j] = isSwapped ? Math.min(least, (before[j - 2] ?? 0) + 1) : least;
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? 0;
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
