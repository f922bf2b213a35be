// A request to the embedder that outlasts its outages, and that tells a text on which the embedder fails every time from an
// embedder that is down: nobody is suspected unless a harmless text passes, and who is suspected holds nobody else up.

import { RejectedInputError, TransientError, toError } from "../errors.ts";
import { type Breaker, CANARY } from "./circuit-breaker.ts";
import type { EmbedTexts } from "./isolate.ts";
import type { EmbeddingPriority, EmbeddingQueue } from "./queue.ts";

/** Texts that fail together so often, with the harmless text passing after each time, are looked into one half after the other. */
const TRIES_TOGETHER = 2;
/** A text alone that fails so often is refused (and tried anew, see isolate.ts). */
const TRIES_ALONE = 3;

/** A request that failed. */
export interface FailedRequest {
  readonly reason: string;
  /** Whom the embedder's words blame: itself, or the texts. */
  readonly blames: "embedder" | "texts";
  /** What is done about it: the embedder waited for and the request repeated, repeated at once, or its texts halved. */
  readonly next: "waited" | "retried" | "halved";
}

export interface PatientParts {
  readonly queue: EmbeddingQueue;
  readonly breaker: Breaker;
  readonly priority: EmbeddingPriority;
  /** Breaks off a request in flight. */
  readonly abandon: AbortSignal;
  /** Ends the waiting for an embedder that is down: the request's failure is thrown. */
  readonly stop: AbortSignal;
  /** After each failure. */
  onFailure?(failure: FailedRequest): void;
}

/**
 * Requests of one batch, for `embedBatch`, which bisects those that are rejected. A single text is tried nine times before it is
 * given up. The whole batch, and each text the first time it is alone, may take as long as the embedder allows; any other request
 * of a batch under suspicion only a few times as long as healthy answers take.
 * @throws TransientError only when stopped; RejectedInputError
 */
export function patientRequest({ queue, breaker, priority, abandon, stop, onFailure }: PatientParts): EmbedTexts {
  /** The batch has failed while the embedder was well. */
  let isSuspect = false;
  const triedAlone = new Set<string>();
  const send = (texts: readonly string[], withinMs: number | undefined) =>
    queue.embed(texts, { use: "document", priority, signal: abandon, withinMs });

  /** How long these texts may take; undefined: as long as the embedder waits. */
  function patienceFor(texts: readonly string[]): number | undefined {
    const [text] = texts;
    if (!isSuspect) return undefined;
    if (texts.length > 1 || text === undefined || triedAlone.has(text)) return queue.patienceMs();
    triedAlone.add(text);
    return undefined;
  }

  /** A failure of a batch under suspicion opens the breaker, for everyone, only if the harmless text fails as well. */
  async function request(texts: readonly string[]): Promise<Float32Array[]> {
    if (!isSuspect) return await breaker.guard(() => send(texts, undefined));
    try {
      return await send(texts, patienceFor(texts));
    } catch (thrown) {
      // If that one fails too, the breaker is open, and says so; what is thrown is what became of the texts.
      if (thrown instanceof TransientError && !abandon.aborted) await breaker.guard(sendCanary).catch(toError);
      throw thrown;
    }
  }

  async function sendCanary(): Promise<void> {
    try {
      await send([CANARY], queue.patienceMs());
    } catch (thrown) {
      throw thrown instanceof RejectedInputError ? new TransientError(thrown.message, { cause: thrown }) : thrown;
    }
  }

  return async (texts) => {
    const tries = texts.length === 1 ? TRIES_ALONE : isSuspect ? 1 : TRIES_TOGETHER;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await request(texts);
      } catch (thrown) {
        if (abandon.aborted) throw thrown;
        const { message: reason } = toError(thrown);
        const isHopeless = thrown instanceof RejectedInputError || attempt === tries;
        const next = isHopeless && texts.length > 1 ? "halved" : breaker.state() === undefined ? "retried" : "waited";
        if (thrown instanceof RejectedInputError) onFailure?.({ reason, blames: "texts", next });
        if (!(thrown instanceof TransientError)) throw thrown;
        onFailure?.({ reason, blames: "embedder", next });
        await breaker.whenClosed(stop);
        if (stop.aborted) throw thrown;
        isSuspect = true;
        if (attempt === tries) {
          throw new RejectedInputError(`It fails each time, while a harmless text passes: ${reason}`, {
            cause: thrown,
          });
        }
      }
    }
  };
}
