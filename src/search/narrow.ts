// What operators in a query add to the limits of a search: names become ids, and both are in force.

import { UserError } from "../errors.ts";
import type { SearchFilter } from "../ports/vector-index.ts";
import { compareSnowflakes, type Snowflake } from "../snowflake.ts";
import type { ParsedQuery } from "./query.ts";

/** Each may be a question to Discord, and those of all members wait in one line. */
const MAX_NAMES = 10;

export interface NarrowParts {
  /** Ids of members a name may mean; lower case. */
  readonly findAuthors: (guildId: Snowflake, name: string) => Promise<readonly Snowflake[]>;
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

/**
 * @param askerId whom `from:me` means
 * @throws UserError for more names than are looked up for one search
 */
export async function narrow(
  { findAuthors, findChannels }: NarrowParts,
  { guildId, filter, askerId }: { guildId: Snowflake; filter: SearchFilter; askerId?: Snowflake | undefined },
  query: ParsedQuery,
): Promise<Narrowed> {
  async function resolve(
    operator: string,
    names: readonly string[],
    find: (name: string) => Promise<readonly Snowflake[]>,
  ): Promise<{ readonly ids?: readonly Snowflake[]; readonly unknown: readonly string[] }> {
    if (names.length === 0) return { unknown: [] };
    const distinct = [...new Set(names)];
    if (distinct.length > MAX_NAMES) {
      throw new UserError(`A search takes at most ${MAX_NAMES} names after ${operator}: please leave some out.`);
    }
    const found = await Promise.all(distinct.map(find));
    const unknown = distinct.filter((_, which) => found[which]?.length === 0).map((name) => `${operator}:${name}`);
    return { ids: found.flat(), unknown };
  }

  const [authors, channels] = await Promise.all([
    resolve("from", query.from, async (name) => {
      if (name === "me" && askerId !== undefined) return [askerId];
      return /^\d{17,19}$/.test(name) ? [name] : await findAuthors(guildId, name);
    }),
    resolve("in", query.in, (name) => findChannels(guildId, name, filter.accessChannelIds)),
  ]);
  const authorIds = common(filter.authorIds, authors.ids);
  const channelIds = common(filter.channelIds, channels.ids);
  const afterId = extreme(filter.afterId, query.afterId, 1);
  const beforeId = extreme(filter.beforeId, query.beforeId, -1);
  const has = [...new Set([...(filter.has ?? []), ...query.has])];
  return {
    filter: {
      ...filter,
      ...(authorIds && { authorIds }),
      ...(channelIds && { channelIds }),
      ...(afterId !== undefined && { afterId }),
      ...(beforeId !== undefined && { beforeId }),
      ...(has.length > 0 && { has }),
    },
    unknown: [...authors.unknown, ...channels.unknown],
  };
}

/** Both lists where both narrow; undefined when neither does. */
function common(one: readonly Snowflake[] | undefined, other: readonly Snowflake[] | undefined) {
  return one && other ? one.filter((id) => other.includes(id)) : (one ?? other);
}

/** The larger (sign 1) or smaller (sign -1) id. */
function extreme(one: Snowflake | undefined, other: Snowflake | undefined, sign: 1 | -1): Snowflake | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return compareSnowflakes(one, other) * sign >= 0 ? one : other;
}
