// Cuts texts into the built-in model's tokens: exactly what the tokenizer library says, several times faster. Chat repeats its words,
// so each word is looked up once and remembered.

import { Tokenizer } from "@huggingface/tokenizers";

/** Words kept in memory per reader, about 10 MB; the map starts over when full. */
const REMEMBERED_WORDS = 65_536;
/** Longer words are rare enough not to be worth remembering. */
const REMEMBERED_LENGTH = 40;
/** `max_input_chars_per_word` of the tokenizer: longer words are unknown. */
const LONGEST_WORD = 100;

export interface TokenReader {
  /** Stands for a text in which nothing is known. */
  readonly unknownId: number;
  /** Ids of the text's known tokens, in order; reading stops after `limit` of them. */
  read(text: string, limit: number): number[];
}

/** @param tokenizerJson content of a tokenizer.json: WordPiece, NFKC, lower case and BERT's pre-tokenizer */
export function createTokenReader(tokenizerJson: string): TokenReader {
  const content: { model: { vocab: Record<string, number> } } = JSON.parse(tokenizerJson);
  // The library answers by id, but several entries share one: the file has them all.
  const vocabulary = new Map(Object.entries(content.model.vocab));
  const tokenizer = new Tokenizer(content, {});
  let longestToken = 0;
  for (const token of vocabulary.keys()) longestToken = Math.max(longestToken, token.length);
  const unknownId: number = tokenizer.token_to_id("[UNK]") ?? 1;
  const remembered = new Map<string, readonly number[]>();

  function remember(word: string, ids: readonly number[]): readonly number[] {
    if (word.length <= REMEMBERED_LENGTH) {
      if (remembered.size >= REMEMBERED_WORDS) remembered.clear();
      // V8 lets a slice point into its message, which would stay alive with it; a trip through a buffer makes a real copy.
      remembered.set(Buffer.from(word, "utf16le").toString("utf16le"), ids);
    }
    return ids;
  }

  function libraryIds(word: string): readonly number[] {
    const ids: number[] = tokenizer.encode(word, { add_special_tokens: false }).ids;
    return ids.filter((id) => id !== unknownId);
  }

  /** WordPiece: the longest token that fits, again and again; a word with a part that no token fits is unknown as a whole. */
  function plainIds(word: string): readonly number[] {
    if (word.length > LONGEST_WORD) return [];
    const lower = word.toLowerCase();
    const ids: number[] = [];
    for (let start = 0; start < lower.length; ) {
      let end = Math.min(lower.length, start + longestToken);
      let id: number | undefined;
      for (; end > start; end -= 1) {
        id = vocabulary.get(start > 0 ? `##${lower.slice(start, end)}` : lower.slice(start, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return [];
      ids.push(id);
      start = end;
    }
    return ids;
  }

  /**
   * A word of plain ASCII, in runs of letters and digits and single punctuation marks: the tokenizer does not look across those.
   * In other words it does (accents and deleted characters reach across), so the library reads those whole.
   */
  function readPlainWord(text: string, from: number, to: number, ids: number[]): void {
    for (let start = from; start < to; ) {
      let end = start;
      while (end < to && isAsciiAlphanumeric(text.charCodeAt(end))) end += 1;
      if (end === start) end += 1;
      const piece = text.slice(start, end);
      for (const id of remembered.get(piece) ?? remember(piece, plainIds(piece))) ids.push(id);
      start = end;
    }
  }

  function read(text: string, limit: number): number[] {
    const ids: number[] = [];
    for (let start = 0; start < text.length && ids.length < limit; ) {
      if (isSpace(text.charCodeAt(start))) {
        start += 1;
        continue;
      }
      let end = start;
      let plain = true;
      for (; end < text.length; end += 1) {
        const code = text.charCodeAt(end);
        if (isSpace(code)) break;
        plain &&= code > 0x20 && code < 0x7f;
      }
      if (plain) readPlainWord(text, start, end, ids);
      else {
        const word = text.slice(start, end);
        for (const id of remembered.get(word) ?? remember(word, libraryIds(word))) ids.push(id);
      }
      start = end;
    }
    if (ids.length > limit) ids.length = limit;
    return ids;
  }

  return { unknownId, read };
}

function isAsciiAlphanumeric(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39);
}

/** White space to the tokenizer. Vertical tab, form feed and the byte order mark are not: it deletes them, which joins words. */
function isSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d;
  if (code < 0xa0) return false;
  return (
    code === 0xa0 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x1680 ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}
