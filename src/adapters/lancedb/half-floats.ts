// Numbers of 16 bits (IEEE 754 binary16) from and to those of 32: Node 22 has no Float16Array.

const INFINITE = 0x7c00;
const NOT_A_NUMBER = 0x7e00;
/** The smallest number with all of its digits, 2^-14, as bits of 32; and 2^24, by which smaller ones are whole. */
const SMALLEST_NORMAL = 0x38800000;
const SUBNORMAL_SCALE = 2 ** 24;

/** Rounds to the nearest, ties to even. @param to as long as `from` */
export function writeHalves(from: Float32Array, to: Uint16Array): void {
  const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
  for (let i = 0; i < from.length; i += 1) {
    const all = bits[i] as number;
    const sign = (all >>> 16) & 0x8000;
    const size = all & 0x7fffffff;
    let half: number;
    if (size >= 0x47800000) half = size > 0x7f800000 ? NOT_A_NUMBER : INFINITE;
    else if (size < SMALLEST_NORMAL) half = roundToEven(Math.abs(from[i] as number) * SUBNORMAL_SCALE);
    else half = (size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13;
    to[i] = sign | half;
  }
}

function roundToEven(value: number): number {
  const down = Math.floor(value);
  const over = value - down;
  return over > 0.5 || (over === 0.5 && down % 2 === 1) ? down + 1 : down;
}

let values: Float32Array | undefined;

/** By a table, made at the first use: 256 KB. */
export function fromHalves(halves: Uint16Array): Float32Array {
  values ??= Float32Array.from({ length: 0x10000 }, (_, half) => valueOfHalf(half));
  const table = values;
  return Float32Array.from(halves, (half) => table[half] as number);
}

function valueOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const [exponent, digits] = [(half >> 10) & 0x1f, half & 0x3ff];
  if (exponent === 0x1f) return digits === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return (sign * digits) / SUBNORMAL_SCALE;
  return sign * 2 ** (exponent - 15) * (1 + digits / 1024);
}
