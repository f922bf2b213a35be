// Sends texts to the embedder, now and then with a canary among them, and tells how that ends: what came since the last one that was
// right is in doubt until the next.

import { TransientError } from "../errors.ts";
import { type CanaryCheck, type CanaryRequest, WrongVectorsError } from "./canary.ts";
import type { Breaker } from "./circuit-breaker.ts";
import type { EmbeddingPriority, EmbeddingQueue } from "./queue.ts";

/** A canary goes along with one in so many batches. */
const BATCHES_PER_CANARY = 50;

export interface SendOptions {
  readonly priority: EmbeddingPriority;
  /** Breaks off a request in flight. */
  readonly abandon: AbortSignal;
  /** Ends the waiting for an embedder that is down, and begins no other request. */
  readonly stop: AbortSignal;
  /** See `EmbeddingQueue.embed`. */
  onUse?(tokens: number, isCounted: boolean): void;
}

export function requestOf({ priority, abandon, onUse }: SendOptions): CanaryRequest {
  return { priority, signal: abandon, onUse };
}

/** Hears how the checks with a canary end; see unconfirmed.ts. */
export interface Unconfirmed {
  /** A check is sent. @returns to be called when it shows that all is right */
  begin(): () => void;
  /** A check has shown that vectors are not those of the texts. */
  reject(): void;
}

export interface CheckedRequests {
  /** So many texts fit the next request: one less when a canary goes along. */
  textsPerRequest(): number;
  /** The vectors of these texts, in one request. */
  send(texts: readonly string[], job: SendOptions, withinMs?: number): Promise<Float32Array[]>;
  /** As `send`; now and then with a canary, whose own vector is learnt first. @throws WrongVectorsError */
  sendBatch(texts: readonly string[], job: SendOptions): Promise<Float32Array[]>;
  /** See `FaultIsolation.check`. */
  check(job: SendOptions): Promise<boolean>;
}

export interface CheckedRequestsParts {
  readonly queue: EmbeddingQueue;
  readonly breaker: Breaker;
  readonly canary: CanaryCheck;
  readonly unconfirmed: Unconfirmed;
}

export function createCheckedRequests(parts: CheckedRequestsParts): CheckedRequests {
  const { queue, breaker, canary, unconfirmed } = parts;
  let batchesUntilCanary = 0;

  function textsPerRequest(): number {
    const { textsPerRequest: limit } = queue.embedder.limits;
    return batchesUntilCanary <= 0 ? Math.max(1, limit - 1) : limit;
  }

  async function send(texts: readonly string[], job: SendOptions, withinMs?: number): Promise<Float32Array[]> {
    return await queue.embed(texts, { use: "document", withinMs, stop: job.stop, ...requestOf(job) });
  }

  /** A request with a canary in it. */
  async function checked<Result>(job: SendOptions, ask: (request: CanaryRequest) => Promise<Result>): Promise<Result> {
    const confirm = unconfirmed.begin();
    try {
      const result = await ask(requestOf(job));
      confirm();
      return result;
    } catch (thrown) {
      if (thrown instanceof WrongVectorsError) {
        // First: whoever ends this process now leaves it to the next one.
        unconfirmed.reject();
        breaker.distrust(thrown.message);
      }
      throw thrown;
    }
  }

  return {
    textsPerRequest,
    send,
    async sendBatch(texts, job) {
      const takesCanary = batchesUntilCanary <= 0 && texts.length <= textsPerRequest();
      batchesUntilCanary -= 1;
      if (!takesCanary) return await send(texts, job);
      // Others that are sent meanwhile go without.
      batchesUntilCanary = BATCHES_PER_CANARY;
      try {
        return await checked(job, async (request) => {
          await canary.learn(request);
          return await canary.takeAlong(texts, { ...request, stop: job.stop });
        });
      } catch (thrown) {
        batchesUntilCanary = 0;
        throw thrown;
      }
    },
    async check(job) {
      // A server that fails on several texts at once mixes none up: then the canary alone will do.
      for (let ask = canary.check; !job.stop.aborted; ask = ask === canary.check ? canary.send : canary.check) {
        try {
          await breaker.guardInTurn(() => checked(job, ask), job.stop);
          break;
        } catch (thrown) {
          if (job.abandon.aborted) return false;
          if (!(thrown instanceof TransientError)) throw thrown;
        }
      }
      return !job.stop.aborted;
    },
  };
}
