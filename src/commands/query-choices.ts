// What is offered while somebody types a query: operators, and values for the one they are at. Pure.

import { type Operator, operatorNamed, operators } from "../search/operators.ts";
import { nameKey } from "../tags.ts";

/** Discord takes no more. */
const MAX_CHOICES = 25;
const MAX_LENGTH = 100;
/** One letter may begin any word. */
const LEAST_OF_OPERATOR = 2;

/** An operator and the beginning of its value, at the end of what is typed so far. */
const VALUE = /(?:^|\s)-?(\w+)(?::|\uff1a)\s?("[^"]*|[^\s"]*)$/u;
const WORD = /(?:^|\s)-?(\w*)$/u;

export interface Offered {
  people(): Promise<readonly string[]>;
  /** Names. */
  channels(): Promise<readonly string[]>;
  /** What fits the letters typed so far. */
  dates(typed: string): readonly string[];
}

/**
 * Each is the whole query, as Discord puts it in place of what is typed; so the first is what is typed, or Enter would take
 * something else. None longer than Discord takes.
 */
export async function queryChoices(typed: string, offered: Offered): Promise<string[]> {
  const [, name = "", value = ""] = VALUE.exec(typed) ?? [];
  const [, word = ""] = WORD.exec(typed) ?? [];
  const operator = operatorNamed(name);
  const begun = operator ? value : word;
  const endings = operator ? await valuesFor(operator, begun, offered) : operatorsFor(begun, typed);
  const start = typed.slice(0, typed.length - begun.length).trimStart();
  const all = [typed.trim(), ...endings.map((ending) => `${start}${ending}`)];
  return [...new Set(all)].filter((each) => each !== "" && each.length <= MAX_LENGTH).slice(0, MAX_CHOICES);
}

function operatorsFor(begun: string, typed: string): string[] {
  if (typed.trim() !== "" && begun.length < LEAST_OF_OPERATOR) return [];
  return operators
    .map(({ name }) => name)
    .filter((name) => name.startsWith(begun.toLowerCase()))
    .map((name) => `${name}:`);
}

/** @param begun of several values the last is begun: "ada,be" */
async function valuesFor({ offers }: Operator, begun: string, { people, channels, dates }: Offered): Promise<string[]> {
  const isQuoted = begun.startsWith('"');
  const comma = isQuoted || offers === "dates" ? -1 : begun.lastIndexOf(",");
  const before = begun.slice(0, comma + 1);
  const wanted = begun.slice(comma + 1).replace(/^"?[@#]?/, "");
  if (offers === "dates") return dates(wanted).map(quoted);
  if (offers === "people") return fitting(["me", ...(await people())], wanted).map((each) => before + quoted(each));
  if (offers === "channels") return fitting(await channels(), wanted).map((each) => before + quoted(each));
  return fitting(offers, wanted).map((each) => before + each);
}

/** Those that begin so, then those in which a later word does; decorations do not count. */
function fitting(names: readonly string[], wanted: string): string[] {
  const key = nameKey(wanted);
  if (key === "") return [...names];
  const keys = names.map((name) => ({ name, key: nameKey(name) }));
  const first = keys.filter((each) => each.key.startsWith(key));
  return [...first, ...keys.filter((each) => !each.key.startsWith(key) && each.key.includes(`-${key}`))].map(
    ({ name }) => name,
  );
}

/** As one value: with quotes where there is a space or a comma. */
function quoted(value: string): string {
  const plain = value.replaceAll('"', "");
  return /[\s,]/.test(plain) ? `"${plain}"` : plain;
}
