// What a member typed, taken apart: words, "phrases", -words, and the operators of operators.ts. Pure; never throws.

import { INVISIBLE } from "../fold.ts";
import { isSnowflake, type Snowflake } from "../snowflake.ts";
import { dateQuestion } from "./dates.ts";
import { looksLikeOperator, type Meaning, type Operator, operatorNamed, operators } from "./operators.ts";
import { wordsOf } from "./words.ts";

/** An operator with its value. */
export interface Term {
  /** As typed, e.g. "-from:bob". */
  readonly typed: string;
  /** Of the table. */
  readonly operator: string;
  /** What fits it is left out. */
  readonly not: boolean;
  readonly meaning: Meaning;
}

/** What looks like an operator and was taken as words, which may not be what was meant. */
export interface Misread {
  /** E.g. "before:lunch". */
  readonly typed: string;
  /** What it might have meant, where it could mean two things, e.g. "5 minutes or 5 months?" */
  readonly question?: string;
}

export interface ParsedQuery {
  /** Words and phrases without the operators: what is embedded and matched. May be empty. */
  readonly text: string;
  /** What stood in quotes, unless that was within a sentence. */
  readonly phrases: readonly string[];
  /** Words and phrases that must not be there. */
  readonly without: readonly string[];
  readonly terms: readonly Term[];
  /** The message that a link points to, or the id that was all that was typed. */
  readonly messageId?: Snowflake;
  readonly misread: readonly Misread[];
}

const LINK = /<?https?:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(?:\d+|@me)\/\d+\/(\d{17,19})>?/;
/** A phrase, an operator with its value (which may be quoted), or a word. A quote that is not closed is a character like any other. */
const PART = /(-?)"([^"]*)"|(-?)(\w+):((?:"[^"]*"|[^\s"])+|\S+)|(\S+)/g;
/** Discord's own search puts a space there. */
const SPACE_AFTER_OPERATOR = new RegExp(
  `(?<![\\w])(${operators.flatMap(({ name, aliases }) => [name, ...aliases]).join("|")}):\\s+(?=\\S)`,
  "gi",
);
/** What telephones make of a quote. */
const SMART_QUOTES = /[\u201c-\u201f\u00ab\u00bb\u300c-\u300f\uff02]/g;
const WIDE_COLON = /(?<=\w)\uff1a/g;
/** Not "-5" nor "--flag", which are no words to leave out. */
const WITHOUT = /^-(?=[\p{L}\p{Extended_Pictographic}]|:\w|<[@#])/u;
/** A dash alone is no word that could stand next to another; an emoji is. */
const WORDLIKE = /[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]/u;
/** Whoever writes so many words besides asks in a sentence, where quotes are around a name and the answer need not repeat it. */
const SENTENCE_WORDS = 5;
/** As the messages have them: by name. */
const CUSTOM_EMOJI = /<a?:(\w+):\d+>/g;

/** @param now for `today`, `yesterday` and ages like `7d`; milliseconds since 1970 */
export function parseQuery(typed: string, now: number): ParsedQuery {
  const terms: Term[] = [];
  const phrases: string[] = [];
  const without: string[] = [];
  const words: string[] = [];
  const unquoted: string[] = [];
  const misread: Misread[] = [];

  /** @returns false when this is not an operator after all */
  function takeOperator(typed: string, not: boolean, name: string, value: string): boolean {
    const operator = operatorNamed(name);
    const read = operator && meaningsOf(operator, value, now);
    // What is not before a date is after it: there is an operator for that.
    if (!read || (not && read.some(({ by }) => by === "time"))) return false;
    terms.push(...read.map((meaning) => ({ typed, operator: operator.name, not, meaning })));
    return true;
  }

  const link = LINK.exec(typed);
  for (const [whole, notPhrase, phrase, notOperator, operator, value = "", word] of typed
    .replace(INVISIBLE, "")
    .replace(LINK, " ")
    .replace(CUSTOM_EMOJI, ":$1:")
    .replace(SMART_QUOTES, '"')
    .replace(WIDE_COLON, ":")
    .replace(SPACE_AFTER_OPERATOR, "$1:")
    .matchAll(PART)) {
    if (operator !== undefined) {
      if (takeOperator(whole, notOperator === "-", operator, value)) continue;
      if (looksLikeOperator(operator)) {
        const question =
          operatorNamed(operator)?.offers === "dates" ? dateQuestion(value.replaceAll('"', "")) : undefined;
        misread.push({ typed: whole, ...(question !== undefined && { question }) });
      }
      words.push(whole);
      unquoted.push(whole);
    } else if (phrase !== undefined) {
      const said = phrase.trim();
      const isPhrase = WORDLIKE.test(said);
      if (notPhrase && isPhrase) without.push(said);
      else if (isPhrase) phrases.push(said);
      if (!notPhrase && said) words.push(said);
    } else if (word !== undefined && WITHOUT.test(word)) without.push(word.slice(1));
    else {
      words.push(word ?? whole);
      unquoted.push(word ?? whole);
    }
  }

  const text = words.join(" ");
  const bareId = /^\d{17,19}$/.test(text) ? text : undefined;
  const messageId = link?.[1] ?? bareId;
  const isSentence = phrases.length > 0 && wordsOf(unquoted.join(" ")).length >= SENTENCE_WORDS;
  return {
    text,
    // If it is no message's id, it is a number that somebody wrote, and no other number will do.
    phrases: bareId === undefined ? (isSentence ? [] : phrases) : [bareId],
    without,
    terms,
    misread,
    ...(messageId !== undefined && isSnowflake(messageId) && { messageId }),
  };
}

/** Somebody's words, in which nothing is an operator. */
export function verbatim(text: string): ParsedQuery {
  return { text, phrases: [], without: [], terms: [], misread: [] };
}

/** "has:link,image" means either; what is in quotes is one value. @returns undefined unless all of it makes sense */
function meaningsOf(operator: Operator, value: string, now: number): readonly Meaning[] | undefined {
  const read = (part: string): readonly Meaning[] | undefined => {
    const meaning = operator.read(part.replaceAll('"', ""), now);
    return meaning === undefined || "by" in meaning ? meaning && [meaning] : meaning;
  };
  const isOne = !value.replace(/"[^"]*"/g, "").includes(",");
  const whole = read(value);
  // A date may have a comma.
  if (isOne || (whole && operator.offers === "dates")) return whole;
  const parts = (value.match(/(?:"[^"]*"|[^,"])+/g) ?? []).map(read);
  return parts.length > 0 && parts.every((meaning) => meaning !== undefined) ? parts.flat() : undefined;
}
