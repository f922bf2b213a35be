// What a part of the bench gets and gives: bench.ts runs the parts and prints, writes and quotes what they find.

import type { Lab } from "./lab.ts";
import type { Table } from "./table.ts";

export interface Bench {
  readonly quick: boolean;
  readonly lab: Lab;
  /** Says what is being measured. */
  progress(text: string): void;
}

export interface Picture {
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
  readonly png: Uint8Array;
}

export interface Findings {
  readonly tables: readonly Table[];
  /** What a reader must know to judge the numbers: targets met or missed, and why. */
  readonly notes: readonly string[];
  readonly pictures?: readonly Picture[];
  /** For --json. */
  readonly figures: object;
}

export type Part = (bench: Bench) => Promise<Findings>;

/** "met" or by how much not. */
export function judged(
  what: string,
  value: number,
  target: { readonly atLeast: number } | { readonly atMost: number },
) {
  const atLeast = "atLeast" in target;
  const limit = atLeast ? target.atLeast : target.atMost;
  const met = atLeast ? value >= limit : value <= limit;
  const shown = (number: number) => number.toLocaleString("en", { maximumFractionDigits: number < 10 ? 3 : 0 });
  const share = Math.round((value / limit) * 100);
  return `${met ? "met" : "NOT met"}: ${what}: ${shown(value)} (target ${atLeast ? "at least" : "at most"} ${shown(limit)}${met ? "" : `; ${share} % of it`})`;
}
