// The words of a guild's sampled messages and who wrote them, each with the channels it was seen in: nobody is told one that
// only stands where they cannot read.

import { fold } from "../fold.ts";
import { getOrMake } from "../maps.ts";
import type { SampledRow } from "../ports/vector-index.ts";
import type { Snowflake } from "../snowflake.ts";

/** Shorter ones differ from too many others by a letter. */
export const WORD = /[\p{L}\p{M}]{4,}/gu;

/** Who reads the same channels is one viewer. Each takes a few hundred kilobytes, and a millisecond to be counted. */
const MOST_VIEWERS = 20;

export interface Known {
  /** As it was written, without a capital where it was seen so. */
  readonly shown: string;
  /** In how many of the sampled texts. */
  readonly texts: number;
}

export interface Vocabulary {
  /** Folded words in texts of these channels. */
  wordsIn(channelIds: readonly Snowflake[]): ReadonlyMap<string, Known>;
  /** Names of who wrote there, whoever wrote most first. */
  peopleIn(channelIds: readonly Snowflake[]): string[];
}

interface Entry {
  shown: string;
  readonly byChannel: Map<Snowflake, number>;
}

export function readVocabulary(rows: readonly SampledRow[]): Vocabulary {
  const words = new Map<string, Entry>();
  const people = new Map<string, Entry>();
  const folded = new Map<string, string>();
  const foldOnce = (word: string) => getOrMake(folded, word, () => fold(word));

  for (const { text, authorName, accessChannelId, ownerId } of rows) {
    if (ownerId !== undefined) continue;
    for (const word of new Set(text.match(WORD))) count(words, foldOnce(word), word, accessChannelId);
    if (authorName !== "") count(people, authorName, authorName, accessChannelId);
  }

  function seenIn(entries: ReadonlyMap<string, Entry>, channelIds: readonly Snowflake[]): Map<string, Known> {
    const readable = new Set(channelIds);
    const seen = new Map<string, Known>();
    for (const [key, { shown, byChannel }] of entries) {
      let texts = 0;
      for (const [channelId, count] of byChannel) if (readable.has(channelId)) texts += count;
      if (texts > 0) seen.set(key, { shown, texts });
    }
    return seen;
  }

  const wordsOfViewers = new Map<string, ReadonlyMap<string, Known>>();

  return {
    wordsIn(channelIds) {
      if (wordsOfViewers.size >= MOST_VIEWERS) wordsOfViewers.clear();
      return getOrMake(wordsOfViewers, channelIds.join(), () => seenIn(words, channelIds));
    },
    peopleIn: (channelIds) =>
      [...seenIn(people, channelIds)].sort(([, one], [, other]) => other.texts - one.texts).map(([name]) => name),
  };
}

function count(entries: Map<string, Entry>, key: string, shown: string, channelId: Snowflake): void {
  const entry = entries.get(key) ?? { shown, byChannel: new Map() };
  if (shown === shown.toLowerCase()) entry.shown = shown;
  entry.byChannel.set(channelId, (entry.byChannel.get(channelId) ?? 0) + 1);
  entries.set(key, entry);
}
