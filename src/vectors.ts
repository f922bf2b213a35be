// What two vectors have in common.

/** Of unit length both, it is their cosine. */
export function dot(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += (one[i] as number) * (other[i] ?? 0);
  return sum;
}
