// The inner loops of late interaction, in AssemblyScript: four of the query's tokens at a time, in vector instructions, which JavaScript
// has not. src/search/closest-words.ts lays out the memory and calls this; `npm run wasm` makes src/search/closest-words-wasm.ts of it.

/**
 * Writes the cosines of `count` rows with four rows that are asked for, four numbers of 32 bits for each row, and raises `closest` to the
 * best of them. Products are exact: sums of 32 bits of products of a byte each.
 * @param asked four rows of 16 bits a number; zeros beyond what is asked for
 * @param rows of 8 bits a number; `dimensions` is a multiple of 8
 * @param lengths of 64 bits a number; infinite where a row is nothing but zeros
 */
export function compareRows(
  asked: usize,
  askedLengths: usize,
  rows: usize,
  lengths: usize,
  count: usize,
  dimensions: usize,
  cosines: usize,
  closest: usize,
): void {
  const askedSize: usize = dimensions * 2;
  const firstLengths = v128.load(askedLengths);
  const lastLengths = v128.load(askedLengths, 16);
  for (let r: usize = 0; r < count; r += 1) {
    let a = i32x4.splat(0);
    let b = i32x4.splat(0);
    let c = i32x4.splat(0);
    let d = i32x4.splat(0);
    let at = asked;
    for (const end = rows + dimensions; rows < end; rows += 8) {
      const row = v128.load_ext<i8>(rows);
      a = i32x4.add(a, i32x4.dot_i16x8_s(row, v128.load(at)));
      b = i32x4.add(b, i32x4.dot_i16x8_s(row, v128.load(at + askedSize)));
      c = i32x4.add(c, i32x4.dot_i16x8_s(row, v128.load(at + 2 * askedSize)));
      d = i32x4.add(d, i32x4.dot_i16x8_s(row, v128.load(at + 3 * askedSize)));
      at += 16;
    }
    // One sum of each, in their order.
    const ab = i32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
    const cd = i32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
    const sums = i32x4.add(i64x2.shuffle(ab, cd, 0, 2), i64x2.shuffle(ab, cd, 1, 3));
    const length = f64x2.splat(load<f64>(lengths));
    const first = f64x2.div(f64x2.convert_low_i32x4_s(sums), f64x2.mul(firstLengths, length));
    const upper = i64x2.shuffle(sums, sums, 1, 1);
    const last = f64x2.div(f64x2.convert_low_i32x4_s(upper), f64x2.mul(lastLengths, length));
    const four = i64x2.shuffle(f32x4.demote_f64x2_zero(first), f32x4.demote_f64x2_zero(last), 0, 2);
    v128.store(cosines, four);
    const two = f32x4.max(four, i64x2.shuffle(four, four, 1, 0));
    const best = f32x4.max(two, i32x4.shuffle(two, two, 1, 0, 3, 2));
    store<f32>(closest, max(load<f32>(closest), f32x4.extract_lane(best, 0)));
    lengths += 8;
    cosines += 16;
    closest += 4;
  }
}

/**
 * Writes of each text the best of its rows, four numbers of 32 bits, none below 0.
 * @param places of the texts' rows, one text after the other
 * @param ends where each text's places end
 */
export function findBest(cosines: usize, places: usize, ends: usize, texts: usize, best: usize): void {
  const start = places;
  for (let t: usize = 0; t < texts; t += 1) {
    let most = f32x4.splat(0);
    for (const end: usize = start + ((<usize>load<u32>(ends)) << 2); places < end; places += 4) {
      most = f32x4.max(most, v128.load(cosines + ((<usize>load<u32>(places)) << 4)));
    }
    v128.store(best, most);
    ends += 4;
    best += 16;
  }
}
