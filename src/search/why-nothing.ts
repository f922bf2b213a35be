// Why a search found nothing: what its limits leave over. Counts only what the viewer may see.

import type { SearchFilter, VectorIndex } from "../ports/vector-index.ts";

export type Limit = "author" | "channel" | "time" | "has" | "kind" | "except";

export interface WhyNothing {
  /** There is something searchable among what the viewer can read. */
  readonly anythingToSee: boolean;
  /** Something fits all the limits, whatever the words. */
  readonly anythingWithinLimits: boolean;
  /** Limits each of which is alone in the way: without it, something would fit. */
  readonly inTheWay: readonly Limit[];
  /** What was found has nothing to do with the query, and none of its words. */
  readonly onlyFar?: boolean;
}

const FIELDS: Readonly<Record<Limit, readonly (keyof SearchFilter)[]>> = {
  author: ["authorIds", "authorNames"],
  channel: ["channelIds"],
  time: ["afterId", "beforeId"],
  has: ["tags"],
  kind: ["kinds"],
  except: ["except"],
};
const LIMITS = Object.keys(FIELDS) as Limit[];

export async function whyNothing(index: Pick<VectorIndex, "count">, filter: SearchFilter): Promise<WhyNothing> {
  const some = async (asked: SearchFilter) => (await index.count(asked)) > 0;
  const set = LIMITS.filter((limit) => FIELDS[limit].some((field) => filter[field] !== undefined));
  const [anythingToSee, anythingWithinLimits] = await Promise.all([some(without(filter, set)), some(filter)]);
  const mayBeInTheWay = anythingToSee && !anythingWithinLimits ? set : [];
  const helps = await Promise.all(mayBeInTheWay.map((limit) => some(without(filter, [limit]))));
  return { anythingToSee, anythingWithinLimits, inTheWay: mayBeInTheWay.filter((_, which) => helps[which]) };
}

function without(filter: SearchFilter, limits: readonly Limit[]): SearchFilter {
  const fields = new Set<string>(limits.flatMap((limit) => FIELDS[limit]));
  const kept = Object.entries(filter).filter(([field]) => !fields.has(field));
  return { accessChannelIds: filter.accessChannelIds, ...Object.fromEntries(kept) };
}
