// Mentions in a query, `<@id>`, `<@&id>` and `<#id>`: messages have names in their place, and not always the one of today.

import type { Archive } from "../ports/archive.ts";
import type { SearchFilter, VectorIndex } from "../ports/vector-index.ts";
import { isSnowflake, type Snowflake } from "../snowflake.ts";
import { tags } from "../tags.ts";
import type { ParsedQuery } from "./query.ts";

const MENTION = /<(@[!&]?|#)(\d{17,20})>/g;
/** Messages that are looked through for names. */
const LOOKED_THROUGH = 20;
/** Someone may be called otherwise in each. */
const MOST_NAMES = 3;
/** Each is looked up. */
const MOST_MENTIONS = 5;

export interface NamedQuery {
  /** With the newest name in place of each mention. */
  readonly query: ParsedQuery;
  /** Each phrase with the names that may stand in it: one of these must be there. */
  readonly phrases: readonly (readonly string[])[];
}

/** @param readable what the asker may see: names come from nothing else */
export async function nameMentions(
  { archive, index }: { readonly archive: Pick<Archive, "get">; readonly index: Pick<VectorIndex, "latest"> },
  guildId: Snowflake,
  readable: SearchFilter,
  query: ParsedQuery,
): Promise<NamedQuery> {
  const ids = [query.text, ...query.without]
    .flatMap((part) => Array.from(part.matchAll(MENTION), ([, , id = ""]) => id))
    .filter(isSnowflake);
  const asked = [...new Set(ids)].slice(0, MOST_MENTIONS);
  if (asked.length === 0) return { query, phrases: query.phrases.map((phrase) => [phrase]) };

  async function namesOf(id: Snowflake): Promise<readonly string[]> {
    const [mentioning, written] = await Promise.all([
      index.latest({ ...readable, tags: [[tags.mentions(id)]] }, LOOKED_THROUGH, 0),
      index.latest({ ...readable, authorIds: [id] }, 1, 0),
    ]);
    const messages = mentioning.filter(({ kind }) => kind === "message").map((row) => row.id);
    const records = await archive.get(guildId, "message", messages);
    const carried = messages.flatMap((message) => records.get(message)?.record.mentions ?? []);
    const names = [
      ...carried.filter((mention) => mention.id === id),
      ...written.map(({ authorName: name }) => ({ name })),
    ];
    return [...new Set(names.map(({ name }) => name))].slice(0, MOST_NAMES);
  }

  const names = new Map(await Promise.all(asked.map(async (id) => [id, await namesOf(id)] as const)));
  const withNames = (text: string): string[] => ways(text, names);
  const text = withNames(query.text)[0] ?? query.text;
  const phrases = query.phrases.map(withNames);
  const named = {
    ...query,
    text,
    phrases: phrases.map(([first = ""]) => first),
    without: query.without.flatMap(withNames),
  };
  return { query: named, phrases };
}

/** The text with each name in place of a mention, and with all mentions as they are where no name is known. Newest names first. */
function ways(text: string, names: ReadonlyMap<Snowflake, readonly string[]>): string[] {
  return Array.from({ length: MOST_NAMES }, (_, which) =>
    text.replace(MENTION, (whole, mark: string, id: string) => {
      const known = names.get(id) ?? [];
      const name = known[Math.min(which, known.length - 1)];
      return name === undefined ? whole : `${mark.charAt(0)}${name}`;
    }),
  ).filter((way, at, all) => all.indexOf(way) === at);
}
