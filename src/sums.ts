// Records of numbers, added up.

/** @returns with each number of the first increased by the other's */
export function added<T extends Readonly<Record<keyof T, number>>>(
  one: T,
  other: Readonly<Record<keyof T, number>>,
): T {
  const keys = Object.keys(one) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, one[key] + other[key]])) as T;
}
