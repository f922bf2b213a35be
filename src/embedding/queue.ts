// The one queue in front of the embedder: search before live before backfill. Owns how many requests run at once, how long they
// took and how long is too long; knows nothing of records.

import PQueue from "p-queue";
import { withOwnSignal } from "../async/abortable.ts";
import { TransientError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Embedder, Receipt } from "../ports/embedder.ts";
import { createRateLimits, KEPT_SHARE } from "./rate-limits.ts";

export type EmbeddingPriority = "search" | "live" | "backfill";

const priorities: Record<EmbeddingPriority, number> = { search: 2, live: 1, backfill: 0 };

/** Characters in a token until the server has counted some; errs on the safe side in English. */
const CHARACTERS_PER_TOKEN = 3;
/** Shorter requests say little of how many tokens long ones have: a token or two go with every text. Characters. */
const TELLING = 1_000;

/** So many of the latest answers tell how long a healthy one takes, ... */
const REMEMBERED = 50;
/** ... and an answer that is overdue takes so many times longer than the slowest of them, and at least this long. */
const OVERDUE = 5;
const SHORTEST_MS = 3_000;

/** One answered request. */
export interface EmbeddingTiming {
  readonly priority: EmbeddingPriority;
  readonly texts: number;
  /** In the queue, before the embedder got it. Milliseconds. */
  readonly waitedMs: number;
  /** At the embedder. Milliseconds. */
  readonly tookMs: number;
  /** In the texts, as the server counted them; estimated where it does not. */
  readonly tokens: number;
}

export interface EmbeddingQueue {
  readonly embedder: Embedder;
  /**
   * Vectors in the order of the texts, as `Embedder.embed`; at most `limits.textsPerRequest` texts.
   * @throws TransientError, RejectedInputError; an aborted signal rejects with its reason
   */
  embed(
    texts: readonly string[],
    options: {
      readonly use: "document" | "query";
      readonly priority: EmbeddingPriority;
      readonly signal?: AbortSignal;
      /** Rejects with its reason what has not got to the embedder when it aborts; what has is finished. */
      readonly stop?: AbortSignal | undefined;
      /** Longer at the embedder, and it has not answered: a TransientError. Default: as long as the embedder itself waits. */
      readonly withinMs?: number | undefined;
      /** Called for what was answered, in tokens, whether all of it was or not. @param isCounted by the server; else estimated */
      readonly onUse?: ((tokens: number, isCounted: boolean) => void) | undefined;
    },
  ): Promise<Float32Array[]>;
  /** How many tokens so many characters are: as the server has counted so far, or estimated before it has. */
  tokensIn(characters: number): { readonly tokens: number; readonly isCounted: boolean };
  /** The same, on the safe side: no text had more tokens for its length so far. */
  mostTokensIn(characters: number): number;
  /** How long the server's limits of requests and tokens make a backfill wait at the moment; 0: not at all. Milliseconds. */
  limitedMs(): number;
  /** Within this, an embedder that is well answers. Undefined before its first answer. Milliseconds. */
  patienceMs(): number | undefined;
  /** Called after each answered request. @returns how to stop listening */
  onTiming(listener: (timing: EmbeddingTiming) => void): () => void;
}

/** @param onUse called for all that was answered */
export function createEmbeddingQueue(
  embedder: Embedder,
  clock: Clock,
  onUse: (tokens: number) => void = () => {},
): EmbeddingQueue {
  const queue = new PQueue({ concurrency: embedder.limits.parallelRequests });
  const listeners = new Set<(timing: EmbeddingTiming) => void>();
  const lately: number[] = [];

  function remember(timing: EmbeddingTiming) {
    lately.push(timing.tookMs);
    if (lately.length > REMEMBERED) lately.shift();
    for (const listener of listeners) listener(timing);
  }

  /** @returns to be called when there is an answer */
  function abortAfter(ms: number | undefined, request: AbortController): () => void {
    const answered = new AbortController();
    if (ms !== undefined) {
      void clock.sleep(ms, answered.signal).then(() => {
        const seconds = (ms / 1000).toFixed(1);
        request.abort(new TransientError(`no answer within ${seconds} s, though it answers other texts much faster`));
      });
    }
    return () => answered.abort();
  }

  const { requestsPerMinute: requests, tokensPerMinute } = embedder.limits;
  const limits = createRateLimits({ requests, tokens: tokensPerMinute }, clock);
  /** What the server has counted so far tells what the next texts come to. */
  const counted = { tokens: 0, characters: 0 };
  let mostPerCharacter: number | undefined;

  function estimate(characters: number): number {
    const perCharacter = counted.characters === 0 ? 1 / CHARACTERS_PER_TOKEN : counted.tokens / counted.characters;
    return Math.ceil(characters * perCharacter);
  }

  /** @returns how many tokens it was, and whether the server counted them */
  function settle(receipts: readonly Receipt[], characters: number, estimated: number): [number, boolean] {
    const isCounted = receipts.length > 0 && receipts.every(({ tokens }) => tokens !== undefined);
    const tokens = isCounted ? countedIn(receipts) : estimated;
    if (isCounted) {
      counted.tokens += tokens;
      counted.characters += characters;
      if (characters >= TELLING) mostPerCharacter = Math.max(mostPerCharacter ?? 0, tokens / characters);
    }
    limits.takeAtOnce({ requests: Math.max(0, receipts.length - 1), tokens: tokens - estimated });
    for (const { quotas } of receipts) limits.told(quotas);
    return [tokens, isCounted];
  }

  return {
    embedder,
    async embed(texts, { use, priority, signal, stop, withinMs, onUse: onOwnUse }) {
      const tellUse = (tokens: number, isCounted: boolean) => {
        onUse(tokens);
        onOwnUse?.(tokens, isCounted);
      };
      const characters = texts.reduce((sum, text) => sum + text.length, 0);
      const estimated = estimate(characters);
      const draw = { requests: 1, tokens: estimated };
      // A search waits for nobody: it has the server's own answer, or none.
      if (priority === "search") limits.takeAtOnce(draw);
      else await limits.take(draw, priority === "backfill" ? KEPT_SHARE : 0, signal);
      const queuedAt = clock.elapsed();
      return await queue.add(
        async () => {
          stop?.throwIfAborted();
          const receipts: Receipt[] = [];
          const startedAt = clock.elapsed();
          const asked = withOwnSignal(signal, async (own) => {
            const answered = abortAfter(withinMs, own);
            try {
              return await embedder.embed(texts, use, own.signal, (receipt) => receipts.push(receipt));
            } finally {
              answered();
            }
          });
          const vectors = await asked.catch((thrown: unknown) => {
            // Parts of it may have been answered, and are paid for.
            if (countedIn(receipts) > 0) tellUse(countedIn(receipts), true);
            throw thrown;
          });
          const tookMs = clock.elapsed() - startedAt;
          const [tokens, isCounted] = settle(receipts, characters, estimated);
          tellUse(tokens, isCounted);
          remember({ priority, texts: texts.length, waitedMs: startedAt - queuedAt, tookMs, tokens });
          return vectors;
        },
        { priority: priorities[priority], ...(signal === undefined ? {} : { signal }) },
      );
    },
    tokensIn: (characters) => ({ tokens: estimate(characters), isCounted: counted.characters > 0 }),
    mostTokensIn: (characters) => Math.ceil(characters * (mostPerCharacter ?? 1)),
    limitedMs: () => limits.waitMs(KEPT_SHARE),
    patienceMs: () => (lately.length === 0 ? undefined : Math.max(SHORTEST_MS, OVERDUE * Math.max(...lately))),
    onTiming(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function countedIn(receipts: readonly Receipt[]): number {
  return receipts.reduce((sum, { tokens = 0 }) => sum + tokens, 0);
}
