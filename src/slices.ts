// Long lists in parts: what takes only so many at once.

/** @param size of each slice, but for the last, at least 1 */
export function slices<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size));
}
