// The one fold of texts: what is indexed by its letters, what is asked, what a phrase is checked against and what is highlighted are
// compared as this leaves them. Pure. The original stays what is shown.

/** Letters that no normalisation takes apart, as people type them who have no key for them. */
const PLAIN_LETTERS: Readonly<Record<string, string>> = {
  ß: "ss",
  ł: "l",
  ø: "o",
  đ: "d",
  ð: "d",
  þ: "th",
  æ: "ae",
  œ: "oe",
  ħ: "h",
  ŧ: "t",
  ı: "i",
  ς: "σ",
  // Arabic and Persian keyboards have one each, and people write one for the other.
  ى: "ي",
  ی: "ي",
  ک: "ك",
  ة: "ه",
};
/** Vowels, which few write and fewer search by, and what only stretches a word. */
const OPTIONAL_MARKS =
  /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]/gu;
const OPTIONALLY_MARKED = /[\p{Script=Arabic}\p{Script=Hebrew}]/u;
/** Letters of their own rather than accented ones. */
const KEPT = new Set(["й", "ї"]);
const ACCENTED_SCRIPT = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;
const MARK = /^\p{M}$/u;
/** Says how an emoji is drawn, or where a word may be broken: nobody types it. */
const UNTYPED = new Set(["\ufe0e", "\ufe0f", "\u00ad"]);

/** What becomes of a code unit; looked up for every letter there is. 0: not known yet. */
const STAYS = 1;
const STAYS_ACCENTED = 2;
/** A mark: dropped after a letter of an accented script. */
const MARKS = 3;
const CHANGES = 4;
const CHANGES_ACCENTED = 5;
const fates = new Uint8Array(0x10000);
/** Of those that change. */
const changed = new Map<number, string>();

/**
 * Compatible forms made one (NFKC), without case, without the accents of Latin, Greek and Cyrillic, and without the vowel points of
 * Arabic and Hebrew. In other scripts marks are vowels that everybody writes, and stay.
 */
export function fold(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  const lower = text.normalize("NFKC").toLowerCase();
  let result = "";
  let copied = 0;
  let afterAccented = false;
  for (let i = 0; i < lower.length; i += 1) {
    const code = lower.charCodeAt(i);
    if (code < 0x80) {
      afterAccented = code >= 0x61 && code <= 0x7a;
      continue;
    }
    const fate = fates[code] || learnFate(code);
    if (fate === MARKS && afterAccented) {
      result += lower.slice(copied, i);
      copied = i + 1;
      continue;
    }
    afterAccented = fate === STAYS_ACCENTED || fate === CHANGES_ACCENTED;
    if (fate < CHANGES) continue;
    result += lower.slice(copied, i) + (changed.get(code) ?? "");
    copied = i + 1;
  }
  return copied === 0 ? lower : result + lower.slice(copied);
}

function learnFate(code: number): number {
  const unit = String.fromCharCode(code);
  const isAccented = ACCENTED_SCRIPT.test(unit);
  const becomes = UNTYPED.has(unit) ? "" : foldLetter(unit);
  let fate = isAccented ? STAYS_ACCENTED : STAYS;
  if (becomes !== unit) {
    changed.set(code, becomes);
    fate = isAccented ? CHANGES_ACCENTED : CHANGES;
  } else if (MARK.test(unit)) fate = MARKS;
  fates[code] = fate;
  return fate;
}

function foldLetter(letter: string): string {
  if (OPTIONALLY_MARKED.test(letter) || letter.search(OPTIONAL_MARKS) === 0) {
    const bare = letter.normalize("NFD").replace(OPTIONAL_MARKS, "");
    return Array.from(bare, (each) => PLAIN_LETTERS[each] ?? each).join("");
  }
  if (KEPT.has(letter) || !ACCENTED_SCRIPT.test(letter)) return letter;
  const bare = letter.normalize("NFD").replace(/\p{M}/gu, "");
  return Array.from(bare, (each) => PLAIN_LETTERS[each] ?? each).join("");
}

const UMLAUTS: Readonly<Record<string, string>> = { ä: "ae", ö: "oe", ü: "ue" };

/** The text folded, and where it has German umlauts also with these written as ae, oe, ue. The usual one first. */
export function spellings(text: string): readonly string[] {
  const usual = fold(text);
  if (isAscii(text)) return [usual];
  const lower = text.normalize("NFKC").toLowerCase();
  const spelledOut = lower.replace(/[äöü]/g, (letter) => UMLAUTS[letter] ?? letter);
  return spelledOut === lower ? [usual] : [usual, fold(spelledOut)];
}

/**
 * How folded texts may have what is asked: "muenchen" may be an umlaut in them. For looking up only; "does" is no "dös", so what is
 * found must be compared by its `spellings`.
 */
export function lookUpForms(text: string): readonly string[] {
  const forms = spellings(text);
  return [...new Set([...forms, (forms[0] ?? "").replace(/([aou])e/g, "$1")])];
}

/** Invisible characters that make a message look empty: zero-width spaces and joiners, directional marks, soft hyphen, BOM. */
export const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
