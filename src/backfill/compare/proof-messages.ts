// Old messages that a check found through search, as proof for people to look at. What everybody who reads a report can read is
// shown there; of the others only that they can be searched for, by whoever can read them. Pure.

import type { ArchivedRecord } from "../../ports/records.ts";
import { compareSnowflakes, type Snowflake } from "../../snowflake.ts";

export interface SampledMessage {
  readonly id: Snowflake;
  /** Left out where the sample is shown to somebody who may not read it. */
  readonly record?: ArchivedRecord;
}

const SHOWN = 3;

/**
 * A few of those found, oldest first; those that may be shown before the others, and the rest without a word of what they say.
 * @param mayBeShown to everybody who will see the sample
 */
export function sampleFor(
  found: readonly SampledMessage[],
  mayBeShown: (record: ArchivedRecord) => boolean,
): SampledMessage[] {
  const isOpen = ({ record }: SampledMessage) => record !== undefined && mayBeShown(record);
  const open = spread(found.filter(isOpen), SHOWN);
  const closed = spread(
    found.filter((each) => !isOpen(each)),
    SHOWN - open.length,
  ).map(({ id }) => ({ id }));
  return [...open, ...closed].sort((one, other) => compareSnowflakes(one.id, other.id));
}

/** From the oldest on, evenly. */
function spread(found: readonly SampledMessage[], most: number): SampledMessage[] {
  const oldestFirst = [...found].sort((one, other) => compareSnowflakes(one.id, other.id));
  const picked = new Set(Array.from({ length: most }, (_, at) => Math.floor((at * oldestFirst.length) / most)));
  return oldestFirst.filter((_, at) => picked.has(at));
}
