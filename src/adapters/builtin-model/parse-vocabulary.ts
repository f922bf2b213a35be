// Reads tokenizer.json: how the token reader must work, and the tokens with their ids, as a trie.

import { z } from "zod";
import {
  AT_START,
  addEdge,
  CharacterKind,
  CLASSIFIED_CODE_POINTS,
  CONTINUING,
  emptyTrie,
  KIND_BITS,
  NUMBERS_PER_SLOT,
  rootOf,
  step,
  type Vocabulary,
} from "./vocabulary.ts";

/** More than this share of filled slots makes look-ups slow. */
const FULLEST = 0.6;
/** So that any one token finds room in what must stay free. */
const FEWEST_BITS = 12;
const PREFIX = "##";
const MARK = /^[\p{P}!-/:-@[-`{-~]$/u;
const SPACE = /^\s$/;

/** What this reader can do. A tokenizer.json that says anything else is refused. */
const fileSchema = z.object({
  added_tokens: z.tuple([]),
  normalizer: z.object({
    type: z.literal("Sequence"),
    normalizers: z.tuple([z.object({ type: z.literal("NFKC") }), z.object({ type: z.literal("Lowercase") })]),
  }),
  pre_tokenizer: z.object({
    type: z.literal("Sequence"),
    pretokenizers: z.tuple([
      z.object({
        type: z.literal("Split"),
        pattern: z.object({ Regex: z.string() }),
        behavior: z.literal("Isolated"),
        invert: z.literal(false),
      }),
      z.object({ type: z.literal("BertPreTokenizer") }),
    ]),
  }),
  model: z.object({
    type: z.literal("WordPiece"),
    unk_token: z.string(),
    continuing_subword_prefix: z.literal(PREFIX),
    max_input_chars_per_word: z.int().positive(),
  }),
});

/** @throws Error when tokenizer.json is not what this reader can do */
export function parseVocabulary(tokenizerJson: string): Vocabulary {
  const { edges, rest } = takeOutTokens(tokenizerJson);
  const { model, pre_tokenizer } = fileSchema.parse(JSON.parse(rest));
  const runs = parseRuns(pre_tokenizer.pretokenizers[0].pattern.Regex);
  const unknown = Array.from(model.unk_token).reduce(
    (node, character) => step(edges, node, character.charCodeAt(0)),
    rootOf(edges),
  );
  const unknownId = unknown === -1 ? -1 : (edges[unknown * NUMBERS_PER_SLOT + AT_START] as number);
  if (unknownId === -1) throw new Error(`the vocabulary has no ${model.unk_token}`);
  return {
    edges,
    characters: classifyCharacters(runs),
    longestRuns: runs.map(({ longest }) => longest),
    longestWord: model.max_input_chars_per_word,
    unknownId,
  };
}

/**
 * Puts the tokens of `"vocab":{"token":id,…}` into a trie as they stand in the file: JSON.parse takes six times as long for a quarter
 * of a million keys.
 * @returns also the JSON without them
 */
function takeOutTokens(json: string): { readonly edges: Int32Array; readonly rest: string } {
  const opening = '"vocab":{';
  const found = json.indexOf(opening);
  if (found === -1) throw new Error("tokenizer.json has no vocabulary");
  const from = found + opening.length;
  // An entry is longer than eight characters, and brings one node or two.
  for (let bits = Math.max(FEWEST_BITS, Math.ceil(Math.log2(json.length / 8))); ; bits += 1) {
    const edges = emptyTrie(bits);
    const to = fillTrie(edges, json, from);
    if (to !== undefined) return { edges, rest: json.slice(0, from) + json.slice(to) };
  }
}

/** @returns where the entries end, or undefined when there are too many nodes for this many slots */
function fillTrie(edges: Int32Array, json: string, from: number): number | undefined {
  const slots = rootOf(edges);
  let nodes = 0;

  function put(source: string, start: number, end: number, id: number): void {
    const continues = end - start > PREFIX.length && source.startsWith(PREFIX, start);
    let node = slots;
    for (let at = continues ? start + PREFIX.length : start; at < end; at += 1) {
      const codeUnit = source.charCodeAt(at);
      const known = step(edges, node, codeUnit);
      if (known === -1) nodes += 1;
      node = known === -1 ? addEdge(edges, node, codeUnit) : known;
    }
    edges[node * NUMBERS_PER_SLOT + (continues ? CONTINUING : AT_START)] = id;
  }

  let at = from;
  while (json[at] === '"' && nodes <= slots * FULLEST) {
    const start = at + 1;
    let end = start;
    let escaped = false;
    for (; json[end] !== '"' && end < json.length; end += 1) {
      if (json[end] !== "\\") continue;
      escaped = true;
      end += 1;
    }
    at = end + 2;
    let id = 0;
    for (; isDigit(json.charCodeAt(at)); at += 1) id = id * 10 + json.charCodeAt(at) - 0x30;
    if (escaped) {
      const token: string = JSON.parse(json.slice(start - 1, end + 1));
      put(token, 0, token.length, id);
    } else put(json, start, end, id);
    if (json[at] === ",") at += 1;
  }
  return nodes > slots * FULLEST ? undefined : at;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

interface Run {
  /** First and last code units, in pairs. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly longest: number;
}

/** "[ก-๛]{1,60}|[一-鿿々]{1,40}|…" */
function parseRuns(pattern: string): Run[] {
  return pattern.split("|").map((alternative) => {
    const [, set, longest] = /^\[([^[\]\\^]+)\]\{1,(\d+)\}$/.exec(alternative) ?? [];
    if (set === undefined) throw new Error(`${alternative} is no run of characters`);
    const ranges = Array.from(set.matchAll(/(.)(?:-(.))?/g), ([, first = "", last = first]) => {
      return [first.charCodeAt(0), last.charCodeAt(0)] as const;
    });
    return { ranges, longest: Number(longest) };
  });
}

function classifyCharacters(runs: readonly Run[]): Uint8Array {
  const characters = new Uint8Array(new SharedArrayBuffer(CLASSIFIED_CODE_POINTS));
  for (let code = 0; code < CLASSIFIED_CODE_POINTS; code += 1) {
    const character = String.fromCodePoint(code);
    const { letter, space, mark } = CharacterKind;
    characters[code] = MARK.test(character) ? mark : SPACE.test(character) ? space : letter;
  }
  runs.forEach(({ ranges }, run) => {
    for (const [first, last] of ranges) {
      for (let code = first; code <= last; code += 1) {
        characters[code] = (characters[code] as number) | ((run + 1) << KIND_BITS);
      }
    }
  });
  return characters;
}
