// Finds the closest words of texts: of each text, the highest cosine of one of its tokens with each token that is asked for. The inner loops
// are scripts/wasm/closest-words.as.ts; this lays out the memory they work in.

import { CLOSEST_WORDS_WASM } from "./closest-words-wasm.ts";
import type { TokenRows } from "./words-like.ts";

/** So many tokens are asked for at a time. */
export const AT_A_TIME = 4;
const PAGE_BYTES = 65_536;
/** Rows are padded with zeros to a multiple of so many numbers. */
const ROW_STEP = 8;

/** What is used of it: it is in no types but those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

interface Loops {
  compareRows(
    asked: number,
    askedLengths: number,
    rows: number,
    lengths: number,
    count: number,
    dimensions: number,
    cosines: number,
    closest: number,
  ): void;
  findBest(cosines: number, places: number, ends: number, texts: number, best: number): void;
}

export interface ComparedTexts {
  /** @returns of each text its best cosines with up to four tokens, four numbers for each text, none below 0; overwritten by the next call */
  ask(tokens: readonly number[]): Float32Array<ArrayBuffer>;
  /** Of each distinct token its best cosine with all that was asked for, not below 0. */
  closest(): Float32Array;
}

export interface ClosestWords {
  /**
   * Good until the next call.
   * @param distinct the tokens of all texts
   * @param texts each as places among these
   */
  open(distinct: readonly number[], texts: readonly Int32Array[]): ComparedTexts;
}

/** @param lengths of the model's rows */
export function createClosestWords(
  { dimensions, rows }: Pick<TokenRows, "dimensions" | "rows">,
  lengths: Float64Array,
): ClosestWords {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(Buffer.from(CLOSEST_WORDS_WASM, "base64"));
  const loops = new WebAssembly.Instance(module, { env: { memory } }).exports as Loops;
  const padded = Math.ceil(dimensions / ROW_STEP) * ROW_STEP;

  return {
    open(distinct, texts) {
      const count = distinct.length;
      const words = texts.reduce((sum, places) => sum + places.length, 0);
      let end = 0;
      /** The next part of the memory. */
      function lay(bytes: number): number {
        const start = end;
        end += Math.ceil(bytes / 16) * 16;
        return start;
      }
      const at = {
        asked: lay(AT_A_TIME * padded * 2),
        askedLengths: lay(AT_A_TIME * 8),
        rows: lay(count * padded),
        lengths: lay(count * 8),
        cosines: lay(count * AT_A_TIME * 4),
        closest: lay(count * 4),
        places: lay(words * 4),
        ends: lay(texts.length * 4),
        best: lay(texts.length * AT_A_TIME * 4),
      };
      const missing = end - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));

      const { buffer } = memory;
      const askedRows = new Int16Array(buffer, at.asked, AT_A_TIME * padded);
      const askedLengths = new Float64Array(buffer, at.askedLengths, AT_A_TIME);
      const ownRows = new Int8Array(buffer, at.rows, count * padded);
      const ownLengths = new Float64Array(buffer, at.lengths, count);
      const closest = new Float32Array(buffer, at.closest, count);
      const best = new Float32Array(buffer, at.best, texts.length * AT_A_TIME);
      const rowOf = (token: number) => rows.subarray(token * dimensions, (token + 1) * dimensions);
      /** A row of zeros is like none. */
      const lengthOf = (token: number) => lengths[token] || Number.POSITIVE_INFINITY;

      // What another comparison left here. Padding of other rows may be anything: it is multiplied by these zeros.
      askedRows.fill(0);
      closest.fill(0);
      for (let d = 0; d < count; d += 1) {
        const token = distinct[d] as number;
        ownRows.set(rowOf(token), d * padded);
        ownLengths[d] = lengthOf(token);
      }
      const places = new Int32Array(buffer, at.places, words);
      const ends = new Int32Array(buffer, at.ends, texts.length);
      let written = 0;
      texts.forEach((text, t) => {
        places.set(text, written);
        written += text.length;
        ends[t] = written;
      });

      return {
        ask(tokens) {
          for (let a = 0; a < AT_A_TIME; a += 1) {
            const token = tokens[a];
            // What was asked for before must not count again as another.
            if (token === undefined) askedRows.fill(0, a * padded, (a + 1) * padded);
            else askedRows.set(rowOf(token), a * padded);
            askedLengths[a] = token === undefined ? Number.POSITIVE_INFINITY : lengthOf(token);
          }
          loops.compareRows(at.asked, at.askedLengths, at.rows, at.lengths, count, padded, at.cosines, at.closest);
          loops.findBest(at.cosines, at.places, at.ends, texts.length, at.best);
          return best;
        },
        closest: () => closest.slice(),
      };
    },
  };
}
