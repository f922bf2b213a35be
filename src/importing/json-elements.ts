// Cuts the text of one very large JSON object into its members, and one of its arrays into elements, without holding the whole. Only
// finds where each ends; JSON.parse does the rest, so that one bad element does not spoil those after it.

import { UserError } from "../errors.ts";

const MAX_ELEMENT_LENGTH = 8 * 1024 * 1024;
const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT, BLANK] = [
  0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d, 0x20,
] as const;

/**
 * The members of the outermost object as `"name": value`, and of the array called `arrayName` each element instead; as JSON text.
 * @throws UserError where the text breaks off or cannot be JSON, after what came before
 */
export async function* jsonElements(
  pieces: AsyncIterable<string>,
  arrayName: string,
): AsyncIterable<{ readonly member: string } | { readonly element: string }> {
  const arrayStart = new RegExp(`^\\s*"${arrayName}"\\s*:\\s*$`);
  let text = "";
  let at = 0;
  /** Where what is being read began. */
  let start = 0;
  let depth = 0;
  let inString = false;
  let inArray = false;
  let ended = false;
  for await (const piece of pieces) {
    text = text.slice(start) + piece;
    at -= start;
    start = 0;
    if (text.length - piece.length > MAX_ELEMENT_LENGTH) throw broken("an element is longer than 8 MiB");
    for (; at < text.length; at += 1) {
      const char = text.charCodeAt(at);
      if (inString) {
        if (char === BACKSLASH) at += 1;
        else if (char === QUOTE) inString = false;
      } else if (ended) {
        if (char > BLANK) throw broken("it goes on after its end");
      } else if (char === QUOTE) {
        inString = true;
      } else if (char === OPEN_LIST || char === OPEN_OBJECT) {
        depth += 1;
        if (depth === 2 && char === OPEN_LIST && arrayStart.test(text.slice(start, at))) inArray = true;
        if (depth === 1 || (depth === 2 && inArray)) start = at + 1;
      } else if (char === COMMA || char === CLOSE_LIST || char === CLOSE_OBJECT) {
        if (depth === (inArray ? 2 : 1)) {
          const found = text.slice(start, at).trim();
          start = at + 1;
          if (found !== "") yield inArray ? { element: found } : { member: found };
          if (char !== COMMA) inArray = false;
        }
        if (char !== COMMA) depth -= 1;
        ended = depth === 0;
      }
    }
  }
  if (!ended) throw new UserError("The export ends in the middle: it was cut off.");
}

function broken(why: string): UserError {
  return new UserError(`The export is no valid JSON after the messages read so far: ${why}.`);
}
