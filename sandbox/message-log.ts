// One channel's messages, ordered by id. Appending is the fast path; loading old history in bulk sorts once.

import { compareSnowflakes, type Snowflake } from "../src/snowflake.ts";
import type { Message } from "./model.ts";

/** Where a page of history lies relative to an id. */
export type HistoryAnchor =
  | { readonly before: Snowflake }
  | { readonly after: Snowflake }
  | { readonly around: Snowflake };

export interface MessageLog {
  readonly size: number;
  readonly last: Message | undefined;
  get(id: Snowflake): Message | undefined;
  /** @throws Error when the id is taken */
  add(message: Message): void;
  /** Adds many at once; ids already present are left as they are. */
  load(messages: readonly Message[]): void;
  remove(id: Snowflake): Message | undefined;
  /** At most `limit` messages, newest first; without an anchor the latest ones. */
  page(anchor: HistoryAnchor | undefined, limit: number): Message[];
  /** Oldest first. */
  all(): readonly Message[];
}

export function createMessageLog(): MessageLog {
  let messages: Message[] = [];

  /** Index of the first message whose id is not smaller than `id`. */
  function lowerBound(id: Snowflake): number {
    let low = 0;
    let high = messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const candidate = messages[middle];
      if (candidate && compareSnowflakes(candidate.id, id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function at(index: number, id: Snowflake): Message | undefined {
    const message = messages[index];
    return message?.id === id ? message : undefined;
  }

  function slice(from: number, to: number): Message[] {
    return messages.slice(Math.max(0, from), to).reverse();
  }

  return {
    get size() {
      return messages.length;
    },
    get last() {
      return messages.at(-1);
    },
    get: (id) => at(lowerBound(id), id),
    add(message) {
      const index = lowerBound(message.id);
      if (at(index, message.id)) throw new Error(`message ${message.id} exists already`);
      messages.splice(index, 0, message);
    },
    load(added) {
      messages = messages.concat(added).sort((a, b) => compareSnowflakes(a.id, b.id));
      messages = messages.filter((message, index) => message.id !== messages[index - 1]?.id);
    },
    remove(id) {
      const index = lowerBound(id);
      return at(index, id) ? messages.splice(index, 1)[0] : undefined;
    },
    page(anchor, limit) {
      if (!anchor) return slice(messages.length - limit, messages.length);
      if ("before" in anchor) {
        const end = lowerBound(anchor.before);
        return slice(end - limit, end);
      }
      if ("after" in anchor) {
        const bound = lowerBound(anchor.after);
        const start = at(bound, anchor.after) ? bound + 1 : bound;
        return slice(start, start + limit);
      }
      const start = lowerBound(anchor.around) - Math.floor(limit / 2);
      return slice(start, Math.max(0, start) + limit);
    },
    all: () => messages,
  };
}
