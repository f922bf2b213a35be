// An index in an object store, with an end to every call. LanceDB cannot break a call off: one that is given up goes on inside it, and
// a change may be made long after. So nothing is changed, or read to decide on changes, before such a change has come to its end.

import { TransientError } from "../../errors.ts";
import { callOf, decorateIndex, indexMethods } from "../../ports/decorate-index.ts";
import type { VectorIndex } from "../../ports/vector-index.ts";
import { translate } from "./faults.ts";

/** How long calls may take. Milliseconds. */
export interface Patience {
  /** A search, or a read of some thousand keys. */
  readonly readMs: number;
  /** Up to ten thousand rows. */
  readonly changeMs: number;
  /** Folding rows into the indexes of millions. */
  readonly upkeepMs: number;
}
const usualPatience: Patience = { readMs: 20_000, changeMs: 30_000, upkeepMs: 60 * 60_000 };

/** @param where for error messages */
export function createDeadlines(where: string, { readMs, changeMs, upkeepMs }: Patience = usualPatience) {
  /** @throws TransientError when the work takes longer, and then comes to its end unheard, or fails by the store's fault */
  async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TransientError(`The search index at ${where} does not answer.`)), ms);
    });
    try {
      return await Promise.race([work, tooLate]);
    } catch (thrown) {
      throw translate(thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  function bounded(index: VectorIndex): VectorIndex {
    /** Changes that were given up and have not come to their end. */
    const abandonedCalls = new Set<Promise<unknown>>();

    async function change(call: Promise<unknown>): Promise<unknown> {
      let hasEnded = false;
      const ended = () => {
        hasEnded = true;
        abandonedCalls.delete(call);
      };
      call.then(ended, ended);
      try {
        return await within(changeMs, call);
      } finally {
        if (!hasEnded) abandonedCalls.add(call);
      }
    }

    const decorated = decorateIndex(index, (name) => {
      const call = callOf(index, name);
      if (indexMethods[name] === "reads") return (...given) => within(readMs, call(...given));
      return async (...given) => {
        await within(readMs, Promise.allSettled(abandonedCalls));
        return indexMethods[name] === "changes" ? await change(call(...given)) : await within(readMs, call(...given));
      };
    });
    return {
      ...decorated,
      async candidates(asked) {
        // The embedder has deadlines of its own.
        const found = index.candidates(asked);
        // Heard at the end, also when it fails before the embedder has answered.
        found.catch(() => undefined);
        await Promise.allSettled([asked.vector]);
        return await within(readMs, found);
      },
      // Works in a process of its own, and can be broken off.
      optimize: ({ signal, ...options }) => {
        const tooLong = AbortSignal.timeout(upkeepMs);
        return index.optimize({ ...options, signal: signal ? AbortSignal.any([signal, tooLong]) : tooLong });
      },
    };
  }
  return {
    /** For what is asked of the store as a whole. */
    withinChange: <Result>(work: Promise<Result>) => within(changeMs, work),
    bounded,
  };
}
