// What operators in a query add to the limits of a search: names become ids, and both are in force. Several values of one operator mean
// any of them.

import { UserError } from "../errors.ts";
import type { SearchFilter, VectorIndex } from "../ports/vector-index.ts";
import { compareSnowflakes, isSnowflake, type Snowflake, snowflakeAt, snowflakeBefore } from "../snowflake.ts";
import { nameKey, tags } from "../tags.ts";
import type { Meaning } from "./operators.ts";
import type { ParsedQuery, Term } from "./query.ts";

/** Each may be a question to Discord, and those of all members wait in one line. */
const MAX_NAMES = 10;

/** Messages that are asked who wrote under a name. */
const LATEST_WRITTEN = 20;

const isId = (name: string) => /^\d{17,}$/.test(name);

export interface NarrowParts {
  /** Ids of members a name may mean; lower case. */
  readonly findAuthors: (guildId: Snowflake, name: string) => Promise<readonly Snowflake[]>;
  /** Ids of roles a name may mean; lower case. */
  readonly findRoles: (guildId: Snowflake, name: string) => readonly Snowflake[];
  /** Ids of the channels and threads a name or id may mean to whoever reads these; see `channelsMeant`. */
  readonly findChannels: (
    guildId: Snowflake,
    name: string,
    accessChannelIds: readonly Snowflake[],
  ) => Promise<readonly Snowflake[]>;
}

export interface Narrowed {
  readonly filter: SearchFilter;
  /** Operators whose value means nobody, or no channel the asker can read, e.g. "from:bob". */
  readonly unknown: readonly string[];
}

/** What a term means, once names are looked up; all of it at once or none. */
interface Resolved {
  readonly authorIds?: readonly Snowflake[];
  readonly authorNames?: readonly string[];
  readonly channelIds?: readonly Snowflake[];
  readonly tags?: readonly string[];
}

/**
 * @param askerId whom `from:me` means
 * @throws UserError for more names than are looked up for one search
 */
export async function narrow(
  { findAuthors, findRoles, findChannels }: NarrowParts,
  index: Pick<VectorIndex, "count" | "latest">,
  { guildId, filter, askerId }: { guildId: Snowflake; filter: SearchFilter; askerId?: Snowflake | undefined },
  query: ParsedQuery,
): Promise<Narrowed> {
  const { accessChannelIds, viewerId } = filter;
  const readable = { accessChannelIds, ...(viewerId !== undefined && { viewerId }) };

  async function peopleCalled(name: string): Promise<readonly Snowflake[]> {
    if (name === "me" && askerId !== undefined) return [askerId];
    if (!isId(name)) return await findAuthors(guildId, name);
    // A number that no id can be is nobody.
    return isSnowflake(name) ? [name] : [];
  }

  /** Members of that name, and whatever was written under it: who has left, and bridges and webhooks, are no members. */
  async function author(name: string): Promise<Resolved | undefined> {
    const authorIds = await peopleCalled(name);
    const key = nameKey(name);
    if (key === "" || isId(name)) return authorIds.length > 0 ? { authorIds } : undefined;
    const authorNames = [key];
    if (authorIds.length > 0) return { authorIds, authorNames };
    return (await index.count({ ...readable, authorNames })) > 0 ? { authorIds, authorNames } : undefined;
  }

  /** Members and roles of that name, and who wrote under it and is no member any more. */
  async function mentioned(name: string): Promise<readonly Snowflake[]> {
    const ids = [...(await peopleCalled(name)), ...(isId(name) ? [] : findRoles(guildId, name))];
    const key = nameKey(name);
    if (ids.length > 0 || key === "") return ids;
    const written = await index.latest({ ...readable, authorNames: [key] }, LATEST_WRITTEN, 0);
    return [...new Set(written.map(({ authorId }) => authorId))];
  }

  async function resolve(meaning: Meaning): Promise<Resolved | undefined> {
    switch (meaning.by) {
      case "author":
        return await author(meaning.name);
      case "channel": {
        const channelIds = await findChannels(guildId, meaning.name, filter.accessChannelIds);
        return channelIds.length > 0 ? { channelIds } : undefined;
      }
      case "mention": {
        const ids = await mentioned(meaning.name);
        return ids.length > 0 ? { tags: ids.map(tags.mentions) } : undefined;
      }
      case "tag":
      case "no-tag":
        return { tags: [meaning.tag] };
      default:
        return {};
    }
  }

  const terms = distinct(query.terms);
  for (const operator of new Set(terms.map((term) => term.operator))) {
    const names = terms.filter((term) => term.operator === operator && "name" in term.meaning);
    if (names.length <= MAX_NAMES) continue;
    throw new UserError(`A search takes at most ${MAX_NAMES} names after ${operator}: please leave some out.`);
  }
  const found = await Promise.all(terms.map(async (term) => ({ term, resolved: await resolve(term.meaning) })));
  const unknown = found.filter(({ resolved }) => resolved === undefined).map(({ term }) => unknownTerm(term));
  const narrowed = found.reduce((all, { term, resolved = {} }) => add(all, term, resolved), noTerms());
  return { filter: both(filter, narrowed), unknown: [...new Set(unknown)] };
}

interface Terms {
  readonly authorIds: Snowflake[];
  readonly authorNames: string[];
  readonly channelIds: Snowflake[];
  readonly kinds: ("message" | "note")[];
  /** Tags by operator. */
  readonly tags: Map<string, string[]>;
  readonly except: { authorIds: Snowflake[]; channelIds: Snowflake[]; kinds: ("message" | "note")[]; tags: string[] };
  afterId?: Snowflake | undefined;
  beforeId?: Snowflake | undefined;
}

const noTerms = (): Terms => ({
  authorIds: [],
  authorNames: [],
  channelIds: [],
  kinds: [],
  tags: new Map(),
  except: { authorIds: [], channelIds: [], kinds: [], tags: [] },
});

function add(all: Terms, { operator, not: isNot, meaning }: Term, resolved: Resolved): Terms {
  const { authorIds = [], authorNames = [], channelIds = [], tags: given = [] } = resolved;
  // What does not lack a tag has it.
  const not = isNot !== (meaning.by === "no-tag");
  const place = not ? all.except : all;
  place.authorIds.push(...authorIds);
  place.channelIds.push(...channelIds);
  if (meaning.by === "kind") place.kinds.push(meaning.kind);
  if (not) all.except.tags.push(...given, ...authorNames.map(tags.by));
  else {
    all.authorNames.push(...authorNames);
    if (given.length > 0) all.tags.set(operator, [...(all.tags.get(operator) ?? []), ...given]);
  }
  if (meaning.by === "time") {
    const { start, end } = meaning;
    if (start !== undefined) all.afterId = extreme(all.afterId, snowflakeBefore(snowflakeAt(start)), 1);
    if (end !== undefined) all.beforeId = extreme(all.beforeId, snowflakeAt(end), -1);
  }
  return all;
}

/** The limits that are set already, and those of the query. */
function both(filter: SearchFilter, terms: Terms): SearchFilter {
  const isByName = terms.authorIds.length + terms.authorNames.length > 0;
  // An author that was chosen as an option is a person, not a name.
  const isChosen = filter.authorIds !== undefined;
  const authorIds = common(filter.authorIds, isByName ? terms.authorIds : undefined);
  const authorNames = !isChosen && terms.authorNames.length > 0 ? terms.authorNames : undefined;
  const channelIds = common(filter.channelIds, some(terms.channelIds));
  const kinds = common(filter.kinds, some(terms.kinds));
  const afterId = extreme(filter.afterId, terms.afterId, 1);
  const beforeId = extreme(filter.beforeId, terms.beforeId, -1);
  const tagLists = [...(filter.tags ?? []), ...terms.tags.values()];
  const except = Object.fromEntries(Object.entries(terms.except).filter(([, list]) => list.length > 0));
  return {
    ...filter,
    ...(authorIds && { authorIds }),
    ...(authorNames && { authorNames }),
    ...(channelIds && { channelIds }),
    ...(kinds && { kinds }),
    ...(afterId !== undefined && { afterId }),
    ...(beforeId !== undefined && { beforeId }),
    ...(tagLists.length > 0 && { tags: tagLists }),
    ...(Object.keys(except).length > 0 && { except }),
  };
}

function distinct(terms: readonly Term[]): Term[] {
  const seen = new Set<string>();
  return terms.filter(({ operator, not, meaning }) => {
    const key = JSON.stringify([operator, not, meaning]);
    return !seen.has(key) && seen.add(key);
  });
}

function unknownTerm({ operator, not, meaning }: Term): string {
  return `${not ? "-" : ""}${operator}:${"name" in meaning ? meaning.name : ""}`;
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** Both lists where both narrow; undefined when neither does. */
function common<T>(one: readonly T[] | undefined, other: readonly T[] | undefined): readonly T[] | undefined {
  return one && other ? one.filter((entry) => other.includes(entry)) : (one ?? other);
}

/** The larger (sign 1) or smaller (sign -1) id. */
function extreme(one: Snowflake | undefined, other: Snowflake | undefined, sign: 1 | -1): Snowflake | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareSnowflakes(one, other) * sign >= 0 ? one : other;
}
