// Cuts texts into the built-in model's tokens, exactly as tokenizer.json says and in time proportional to their length in every script:
// NFKC, lower case, runs of scripts without spaces cut from what stands beside them, BERT's pre-tokenizer, WordPiece.

import { createKnownWords, FIRST_HASH, nextHash } from "./known-words.ts";
import {
  AT_START,
  CharacterKind,
  CLASSIFIED_CODE_POINTS,
  CONTINUING,
  KIND_BITS,
  NUMBERS_PER_SLOT,
  rootOf,
  step,
  type Vocabulary,
} from "./vocabulary.ts";

export interface TokenReader {
  /** Ids of the text's known tokens, in order; reading stops after `limit` of them. */
  read(text: string, limit: number): number[];
}

export function createTokenReader(vocabulary: Vocabulary): TokenReader {
  const { edges, characters, longestRuns, longestWord, unknownId } = vocabulary;
  const root = rootOf(edges);

  /** The kind and run of the character at `at`. */
  function classOf(text: string, at: number): number {
    const code = text.charCodeAt(at);
    if (code < 0xd800 || code > 0xdbff) return characters[code] as number;
    const codePoint = text.codePointAt(at) as number;
    return codePoint < CLASSIFIED_CODE_POINTS ? (characters[codePoint] as number) : CharacterKind.letter;
  }

  /** WordPiece: the longest token that fits, again and again; a word with a part that no token fits is unknown as a whole. */
  function readWord(text: string, from: number, to: number, ids: number[]): void {
    if (to - from > longestWord && codePoints(text, from, to) > longestWord) return;
    const before = ids.length;
    for (let start = from; start < to; ) {
      const kind = start === from ? AT_START : CONTINUING;
      let longest = -1;
      let end = start;
      let node = root;
      for (let at = start; at < to; at += 1) {
        node = step(edges, node, text.charCodeAt(at));
        if (node === -1) break;
        const id = edges[node * NUMBERS_PER_SLOT + kind] as number;
        if (id === -1) continue;
        longest = id;
        end = at + 1;
      }
      if (longest === -1) {
        ids.length = before;
        return;
      }
      // Characters that have no row of their own are in the vocabulary as unknown, so that they do not hide the run they stand in.
      if (longest !== unknownId) ids.push(longest);
      start = end;
    }
  }

  const knownWords = createKnownWords(readWord);

  function read(text: string, limit: number): number[] {
    const normal = text.normalize("NFKC").toLowerCase();
    const ids: number[] = [];
    let run = 0;
    /** Where the run at hand ends at the latest. */
    let runEnd = normal.length;
    for (let start = 0; start < normal.length && ids.length < limit; ) {
      const first = classOf(normal, start);
      if (first >> KIND_BITS !== run || start >= runEnd) {
        run = first >> KIND_BITS;
        runEnd = run === 0 ? normal.length : Math.min(normal.length, start + (longestRuns[run - 1] as number));
      }
      let end = start + sizeAt(normal, start);
      const kind = first & ((1 << KIND_BITS) - 1);
      if (kind !== CharacterKind.space) {
        let hash = nextHash(FIRST_HASH, normal.charCodeAt(start));
        if (kind === CharacterKind.letter) {
          for (; end < runEnd && classOf(normal, end) === first; end += sizeAt(normal, end)) {
            hash = nextHash(hash, normal.charCodeAt(end));
          }
        }
        knownWords.read(normal, start, end, hash, ids);
      }
      start = end;
    }
    if (ids.length > limit) ids.length = limit;
    return ids;
  }

  return { read };
}

/** UTF-16 code units of the character at `at`. */
function sizeAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xd800 && code <= 0xdbff && (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
}

function codePoints(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += sizeAt(text, at)) count += 1;
  return count;
}
