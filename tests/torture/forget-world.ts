// What people write and then take back, at random, and the list of what may be found of it. Everything by one chance, so that a seed
// tells a world. Each text has a word of its own, so that any trace of it can be recognised.

import type { Exclusion } from "../../src/ports/archive.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { compareSnowflakes, type Snowflake, snowflakeAt } from "../../src/snowflake.ts";
import { message } from "../support/engine.ts";

export type Deed =
  | { readonly kind: "say"; readonly record: ArchivedRecord }
  | { readonly kind: "note"; readonly record: ArchivedRecord }
  | { readonly kind: "delete"; readonly id: Snowflake }
  | { readonly kind: "exclude"; readonly exclusion: Exclusion }
  | { readonly kind: "include"; readonly exclusion: Exclusion; readonly now: number }
  | { readonly kind: "run" };

export interface ForgetWorld {
  /** What happens next, which is true from then on. */
  next(): Deed;
  /** Words of what may be found, by kind and id of the record. */
  readonly alive: ReadonlyMap<string, string>;
  /** By kind and id: of an author who had been taken in again while what they wrote before was still being removed. */
  readonly uncertain: ReadonlySet<string>;
  /** Every word that was ever written. */
  readonly words: ReadonlySet<string>;
}

export const WORD = /zq[0-9a-z]{5}qz/g;
export const keyOf = ({ kind, id }: Pick<ArchivedRecord, "kind" | "id">) => `${kind} ${id}`;

const AUTHORS = ["61", "62", "63", "64"];
const BOT = "66";
const CHANNELS = ["10", "11", "12"];
/** Between two deeds, by the world's own clock. */
const STEP_MS = 1_000;

/** @param beganAt when the world began, milliseconds since 1970: long enough ago that it lies behind now at its end */
export function createForgetWorld(random: () => number, beganAt: number, namespace: number): ForgetWorld {
  const written = new Map<string, ArchivedRecord>();
  const alive = new Map<string, string>();
  const words = new Set<string>();
  const uncertain = new Set<string>();
  const exclusions = new Map<string, Exclusion>();
  /** By author: up to where a removal may still be under way although they have been taken in again. */
  const removedUpTo = new Map<string, Snowflake>();
  let deeds = 0;
  let edits = 0;
  const now = () => beganAt + deeds * STEP_MS;
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const some = (list: readonly string[]) => pick(list) ?? "";

  function newWord(): string {
    const word = `zq${(namespace * 2_000 + words.size).toString(36).padStart(5, "0")}qz`;
    words.add(word);
    return word;
  }

  /** Independently of the code under test: what an exclusion means. */
  function isConcerned(record: ArchivedRecord, exclusion: Exclusion): boolean {
    const { kind, id, authorId, channelId, sourceAuthorId, sourceMessageId = id } = record;
    switch (exclusion.by) {
      case "author": {
        const { id: who, beforeId } = exclusion;
        const isBefore = (written: Snowflake) => beforeId === undefined || compareSnowflakes(written, beforeId) < 0;
        return (authorId === who && isBefore(id)) || (sourceAuthorId === who && isBefore(sourceMessageId));
      }
      case "channel":
        return channelId === exclusion.id;
      case "age":
        return kind === "message" && compareSnowflakes(id, exclusion.beforeId) < 0;
      case "bots":
        return kind === "message" && record.bot === true;
    }
  }

  function keep(record: ArchivedRecord): void {
    written.set(keyOf(record), record);
    if ([...exclusions.values()].some((each) => isConcerned(record, each))) return;
    alive.set(keyOf(record), record.content.match(WORD)?.at(0) ?? "");
    const upTo = removedUpTo.get(record.authorId);
    if (upTo !== undefined && compareSnowflakes(record.id, upTo) < 0) uncertain.add(keyOf(record));
  }

  function say(): Deed {
    const id = snowflakeAt(now());
    const isBot = random() < 0.1;
    const authorId = isBot ? BOT : some(AUTHORS);
    const record = message(id, `well ${newWord()} then`, {
      authorId,
      channelId: some(CHANNELS),
      ...(isBot && { bot: true }),
    });
    keep(record);
    return { kind: "say", record };
  }

  function edit(): Deed {
    const before = pick([...written.values()].filter(({ kind }) => kind === "message"));
    if (before === undefined) return say();
    edits += 1;
    const record = { ...before, content: `rather ${newWord()} now`, editedAt: beganAt + edits };
    alive.delete(keyOf(record));
    keep(record);
    return { kind: "say", record };
  }

  function note(): Deed {
    const source = random() < 0.5 ? pick([...written.values()].filter(({ kind }) => kind === "message")) : undefined;
    const record: ArchivedRecord = {
      ...message(snowflakeAt(now()), `to remember: ${newWord()}`, {
        authorId: some(AUTHORS),
        channelId: some(CHANNELS),
      }),
      kind: "note",
      visibility: "private",
      ...(source && { sourceMessageId: source.id, sourceAuthorId: source.authorId }),
    };
    keep(record);
    return { kind: "note", record };
  }

  function remove(): Deed {
    const record = pick([...written.values()].filter(({ kind }) => kind === "message"));
    if (record === undefined) return say();
    alive.delete(keyOf(record));
    written.delete(keyOf(record));
    return { kind: "delete", id: record.id };
  }

  const nameOf = (exclusion: Exclusion) => ("id" in exclusion ? `${exclusion.by} ${exclusion.id}` : exclusion.by);

  function exclude(exclusion: Exclusion): Deed {
    exclusions.set(nameOf(exclusion), exclusion);
    for (const key of [...alive.keys()]) {
      const record = written.get(key);
      if (record !== undefined && isConcerned(record, exclusion)) alive.delete(key);
    }
    return { kind: "exclude", exclusion };
  }

  function include(by: Exclusion["by"]): Deed {
    const exclusion = pick([...exclusions.values()].filter((each) => each.by === by));
    if (exclusion === undefined) return say();
    exclusions.delete(nameOf(exclusion));
    // Discord has it, and is read again afterwards.
    if (exclusion.by === "author") removedUpTo.set(exclusion.id, snowflakeAt(now()));
    return { kind: "include", exclusion, now: now() };
  }

  function forget(): Deed {
    const id = some(AUTHORS);
    const own = exclusions.get(`author ${id}`);
    // Who has opted out has nothing that could be deleted.
    if (own?.by === "author" && own.beforeId === undefined) return exclude(own);
    return exclude({ by: "author", id, beforeId: snowflakeAt(now()) });
  }

  /** Each with how likely it is. */
  const things: readonly (readonly [number, () => Deed])[] = [
    [40, say],
    [8, edit],
    [6, note],
    [8, remove],
    [4, () => exclude({ by: "author", id: some(AUTHORS) })],
    [5, () => include("author")],
    [4, forget],
    [2, () => exclude({ by: "channel", id: some(CHANNELS) })],
    [4, () => include("channel")],
    [1, () => exclude({ by: "bots" })],
    [2, () => include("bots")],
    [1, () => exclude({ by: "age", beforeId: snowflakeAt(beganAt + (deeds / 2) * STEP_MS) })],
    [3, () => ({ kind: "run" })],
  ];
  const total = things.reduce((sum, [weight]) => sum + weight, 0);

  return {
    alive,
    uncertain,
    words,
    next() {
      deeds += 1;
      let left = random() * total;
      for (const [weight, act] of things) {
        left -= weight;
        if (left <= 0) return act();
      }
      return say();
    },
  };
}
