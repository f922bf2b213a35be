// Keeps few indexes open, whatever the number of guilds. What it gives out opens itself when it is used; of those not in use,
// the ones used longest ago are closed. So nothing is ever closed under a search, a write or upkeep.

import { callOf, decorateIndex, indexMethods } from "../../ports/decorate-index.ts";
import type { EmbeddingSpace } from "../../ports/embedder.ts";
import type { VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";

/** Each takes two handles of LanceDB and what they remember; opening one anew costs about as much as a search. */
const MOST_OPEN = 128;

export interface IndexPool {
  /**
   * An index to be kept and used for as long as one likes; opened once, to know that it can be.
   * @throws whatever opening it throws
   */
  open(guildId: Snowflake, space: EmbeddingSpace): Promise<VectorIndex>;
  /** How many are open at the moment. */
  readonly size: number;
  /** Called when a guild's index is about to be changed. */
  onChange(listener: (guildId: Snowflake) => void): void;
  close(): Promise<void>;
}

/** One table of a guild's. */
interface Wanted {
  readonly key: string;
  readonly guildId: Snowflake;
  readonly space: EmbeddingSpace;
}

interface Opened {
  readonly opening: Promise<VectorIndex>;
  users: number;
}

/** @param open opens a guild's index, which is closed before it is opened again */
export function createIndexPool(
  open: (guildId: Snowflake, space: EmbeddingSpace) => Promise<VectorIndex>,
  most: number = MOST_OPEN,
): IndexPool {
  /** The one used last comes last. */
  const opened = new Map<string, Opened>();
  const closing = new Map<string, Promise<void>>();
  const listeners = new Set<(guildId: Snowflake) => void>();

  async function openAfterClosing({ key, guildId, space }: Wanted): Promise<VectorIndex> {
    await closing.get(key);
    return await open(guildId, space);
  }

  async function use<Result>(wanted: Wanted, act: (index: VectorIndex) => Promise<Result>): Promise<Result> {
    const { key } = wanted;
    const entry = opened.get(key) ?? { opening: openAfterClosing(wanted), users: 0 };
    opened.delete(key);
    opened.set(key, entry);
    entry.users += 1;
    let index: VectorIndex;
    try {
      index = await entry.opening;
    } catch (thrown) {
      if (opened.get(key) === entry) opened.delete(key);
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
    for (const [key, { users }] of opened) {
      if (users > 0) continue;
      // Nobody waits for this: whoever wants the index next waits for its end.
      void close(key);
      if (opened.size <= most) return;
    }
  }

  function close(key: string): Promise<void> {
    const entry = opened.get(key);
    if (entry === undefined) return closing.get(key) ?? Promise.resolve();
    opened.delete(key);
    const closed = entry.opening
      .then((index) => index.close())
      // One that could not be opened, or closed, has told its users.
      .catch(() => undefined)
      .finally(() => closing.delete(key));
    closing.set(key, closed);
    return closed;
  }

  function pooled(wanted: Wanted): VectorIndex {
    const { key, guildId, space } = wanted;
    return decorateIndex({ space, close: () => close(key) }, (name) => (...given) => {
      if (indexMethods[name] === "changes") for (const listener of listeners) listener(guildId);
      return use(wanted, (index) => callOf(index, name)(...given));
    });
  }

  return {
    open(guildId, space) {
      const wanted = { key: `${guildId} ${space.fingerprint}`, guildId, space };
      return use(wanted, async () => pooled(wanted));
    },
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
