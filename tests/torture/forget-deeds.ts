// Does deeds of a forgetting world with a bot's indexing, and tells what the bot then holds.

import { TransientError } from "../../src/errors.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import { channel, EVERYTHING, type Setup } from "../support/engine.ts";
import { type Deed, type ForgetWorld, keyOf, WORD } from "./forget-world.ts";

const AGAIN_MS = 100;
const MANY = 100_000;

/** All of it may be done twice. Resolves when it is durable. */
export async function perform(setup: Setup, guildId: Snowflake, deed: Deed): Promise<void> {
  const { archive, live } = setup;
  switch (deed.kind) {
    case "say":
      return await patiently(() => live.messageSaved(guildId, deed.record, channel(deed.record.channelId)));
    case "note":
      return await patiently(async () => {
        await archive.save(guildId, [deed.record], { pending: true });
        await live.changed(guildId, [deed.record.id]);
      });
    case "delete":
      return await patiently(() => live.messagesDeleted(guildId, [deed.id]));
    case "exclude":
      await patiently(() => archive.exclude(guildId, deed.exclusion));
      return live.kick(guildId);
    case "include":
      // Whatever was left out is fetched from Discord again once it is removed: until then nothing is written there.
      if (deed.exclusion.by !== "author") await settle(setup, guildId);
      await patiently(() => archive.include(guildId, deed.exclusion, deed.now));
      return live.kick(guildId);
    case "run":
      // Nobody waits for it; one that is at work already is as good.
      void setup.engine.start(guildId, { pace: "full", startedBy: "1" }).catch(() => undefined);
  }
}

/** Whoever hears Discord does likewise. */
async function patiently(act: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await act();
      return;
    } catch (thrown) {
      if (!(thrown instanceof TransientError)) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** Resolves when nothing is under way any more, and nothing is left to be done. */
export async function settle(setup: Setup, guildId: Snowflake): Promise<void> {
  for (;;) {
    await setup.engine.done(guildId);
    await setup.live.idle();
    const [marks, removals] = [
      await setup.archive.pending(guildId, 1),
      await setup.archive.unfinishedRemovals(guildId),
    ];
    if (marks.length + removals.length === 0) return;
    setup.live.kick(guildId);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

export interface Held {
  /** Words of records in the archive, by kind and id. */
  readonly archived: Readonly<Record<string, string>>;
  /** Own words of rows of the present index, likewise. */
  readonly indexed: Readonly<Record<string, string>>;
  /** Every word in any text of any row of any generation. */
  readonly words: readonly string[];
}

export async function held(setup: Setup, guildId: Snowflake): Promise<Held> {
  const archived: Record<string, string> = {};
  const indexed: Record<string, string> = {};
  const words = new Set<string>();
  const { index, searched } = await setup.indexes.open(guildId);
  for (const kind of ["message", "note"] as const) {
    for (const { record } of (await setup.archive.page(guildId, kind, EVERYTHING, MANY)).records) {
      archived[keyOf(record)] = wordIn(record.content);
    }
    for (const each of new Set([index, ...searched.map((one) => one.index)])) {
      const ids = (await each.keys(kind, EVERYTHING, MANY)).map(({ id }) => id);
      for (const row of await each.rows(ids)) {
        if (each === index) indexed[keyOf(row)] = wordIn(row.text);
        for (const [word] of `${row.text} ${row.searchText}`.matchAll(WORD)) words.add(word);
      }
    }
  }
  return { archived, indexed, words: [...words] };
}

const wordIn = (text: string) => text.match(WORD)?.at(0) ?? "";

/** What is found although it must not be, and what is not although it may. */
export function compare(
  { alive, uncertain }: Pick<ForgetWorld, "alive" | "uncertain">,
  { archived, indexed, words }: Held,
) {
  const allowed = new Set(alive.values());
  const isWrong = ([key, word]: [string, string]) => alive.get(key) !== word;
  const stillFound = new Set([
    ...[...Object.entries(archived), ...Object.entries(indexed)].filter(isWrong).map(([, word]) => word),
    ...words.filter((word) => !allowed.has(word)),
  ]);
  const certain = [...alive].filter(([key]) => !uncertain.has(key));
  const wronglyGone = certain.filter(([key, word]) => archived[key] !== word || indexed[key] !== word);
  return { stillFound: [...stillFound], wronglyGone: wronglyGone.map(([key]) => key) };
}
