// Keeps few indexes open, whatever the number of guilds. What it gives out opens itself when it is used; of those not in use,
// the ones used longest ago are closed. So nothing is ever closed under a search, a write or upkeep.

import type { VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";

/** Each takes two handles of LanceDB and what they remember; opening one anew costs about as much as a search. */
const MOST_OPEN = 128;

export interface IndexPool {
  /**
   * An index to be kept and used for as long as one likes; opened once, to know that it can be.
   * @throws whatever opening it throws
   */
  open(guildId: Snowflake): Promise<VectorIndex>;
  /** How many are open at the moment. */
  readonly size: number;
  /** Called when a guild's index is about to be changed. */
  onChange(listener: (guildId: Snowflake) => void): void;
  close(): Promise<void>;
}

interface Opened {
  readonly opening: Promise<VectorIndex>;
  users: number;
}

/** @param open opens a guild's index, which is closed before it is opened again */
export function createIndexPool(
  open: (guildId: Snowflake) => Promise<VectorIndex>,
  most: number = MOST_OPEN,
): IndexPool {
  /** The one used last comes last. */
  const opened = new Map<Snowflake, Opened>();
  const closing = new Map<Snowflake, Promise<void>>();
  const listeners = new Set<(guildId: Snowflake) => void>();

  async function openAfterClosing(guildId: Snowflake): Promise<VectorIndex> {
    await closing.get(guildId);
    return await open(guildId);
  }

  async function use<Result>(guildId: Snowflake, act: (index: VectorIndex) => Promise<Result>): Promise<Result> {
    const entry = opened.get(guildId) ?? { opening: openAfterClosing(guildId), users: 0 };
    opened.delete(guildId);
    opened.set(guildId, entry);
    entry.users += 1;
    let index: VectorIndex;
    try {
      index = await entry.opening;
    } catch (thrown) {
      if (opened.get(guildId) === entry) opened.delete(guildId);
      throw thrown;
    }
    try {
      return await act(index);
    } finally {
      entry.users -= 1;
      closeSurplus();
    }
  }

  function closeSurplus(): void {
    if (opened.size <= most) return;
    for (const [guildId, { users }] of opened) {
      if (users > 0) continue;
      // Nobody waits for this: whoever wants the index next waits for its end.
      void close(guildId);
      if (opened.size <= most) return;
    }
  }

  function close(guildId: Snowflake): Promise<void> {
    const entry = opened.get(guildId);
    if (entry === undefined) return closing.get(guildId) ?? Promise.resolve();
    opened.delete(guildId);
    const closed = entry.opening
      .then((index) => index.close())
      // One that could not be opened, or closed, has told its users.
      .catch(() => undefined)
      .finally(() => closing.delete(guildId));
    closing.set(guildId, closed);
    return closed;
  }

  function pooled(guildId: Snowflake, { space }: VectorIndex): VectorIndex {
    const using = <Result>(act: (index: VectorIndex) => Promise<Result>) => use(guildId, act);
    const changing = <Result>(act: (index: VectorIndex) => Promise<Result>) => {
      for (const listener of listeners) listener(guildId);
      return use(guildId, act);
    };
    return {
      space,
      write: (...given) => changing((index) => index.write(...given)),
      removeIds: (...given) => changing((index) => index.removeIds(...given)),
      removeScope: (...given) => changing((index) => index.removeScope(...given)),
      removeRun: (...given) => changing((index) => index.removeRun(...given)),
      keys: (...given) => using((index) => index.keys(...given)),
      affected: (...given) => using((index) => index.affected(...given)),
      rows: (...given) => using((index) => index.rows(...given)),
      candidates: (...given) => using((index) => index.candidates(...given)),
      nearest: (...given) => using((index) => index.nearest(...given)),
      matching: (...given) => using((index) => index.matching(...given)),
      latest: (...given) => using((index) => index.latest(...given)),
      sampleTexts: (...given) => using((index) => index.sampleTexts(...given)),
      count: (...given) => using((index) => index.count(...given)),
      stats: () => using((index) => index.stats()),
      optimize: (...given) => using((index) => index.optimize(...given)),
      refresh: () => using((index) => index.refresh()),
      tag: (...given) => using((index) => index.tag(...given)),
      close: () => close(guildId),
    };
  }

  return {
    open: (guildId) => use(guildId, async (index) => pooled(guildId, index)),
    get size() {
      return opened.size;
    },
    onChange: (listener) => void listeners.add(listener),
    async close() {
      await Promise.all([...opened.keys()].map(close));
      await Promise.all(closing.values());
    },
  };
}
