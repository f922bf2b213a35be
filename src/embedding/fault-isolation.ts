// Whose fault is it that a request fails, the embedder's or a text's? The one place that decides it: repeats, waits for an embedder
// that is down, halves a batch until the culprit is alone, shortens what is too long. Whatever has its vector keeps it. A text is
// refused only when it fails time after time with a canary passing before and after each, and that holds nobody else up.

import { RejectedInputError, TransientError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { type CheckedRequestsParts, createCheckedRequests, requestOf, type SendOptions } from "./checked-requests.ts";

/** Texts that fail so often in a row are looked into; before that, an embedder that fails now and then is the likelier cause. */
const TRIES = 3;
/** A text alone fails so often more, between canaries that pass, before it is refused. */
const TRIES_ALONE = 2;
/** How often a text that is too long is halved. */
const SHORTENINGS = 4;

/** A request that failed. */
export interface FailedRequest {
  readonly reason: string;
  /** Whom the embedder's words blame: itself, or the texts. */
  readonly blames: "embedder" | "texts";
  /** What is done about it: the embedder waited for and the request repeated, repeated at once, or its texts halved. */
  readonly next: "waited" | "retried" | "halved";
}

export interface EmbeddingJob extends SendOptions {
  /** These texts have been refused before: they hold nobody up from the start. */
  readonly isSuspect?: boolean;
  /** After each failure. */
  onFailure?(failure: FailedRequest): void;
}

/** A text's vector, or why it has none. */
export type TextOutcome = Float32Array | { readonly refused: string };

export interface FaultIsolation {
  /**
   * Waits for the embedder if it is down, and sends a canary among other texts: what was embedded so far is right, too.
   * @returns false when it was stopped before it came to that
   * @throws WrongVectorsError when it is not
   */
  check(job: EmbeddingJob): Promise<boolean>;
  /** So many texts fit the next request: one less when a canary goes along. */
  textsPerRequest(): number;
  /**
   * Any number of texts, in as many requests as they take.
   * @returns one outcome per text, in their order; undefined when it was stopped before all had one
   * @throws WrongVectorsError when what comes cannot be believed
   */
  embed(texts: readonly string[], job: EmbeddingJob): Promise<TextOutcome[] | undefined>;
}

type Failure = TransientError | RejectedInputError;

export function createFaultIsolation(
  parts: CheckedRequestsParts & {
    readonly clock: Pick<Clock, "elapsed">;
    /** From 0 to 1. */
    readonly random: () => number;
  },
): FaultIsolation {
  const { queue, breaker, canary, clock, random } = parts;
  const requests = createCheckedRequests(parts);
  const { send, sendBatch, textsPerRequest } = requests;

  async function embed(texts: readonly string[], job: EmbeddingJob): Promise<TextOutcome[] | undefined> {
    const outcomes = new Map<number, TextOutcome>();
    /** Texts that have failed alone: what is sent of each, and how it failed last. */
    const alone = new Map<number, { readonly text: string; readonly failure: Failure }>();

    const tell = (failure: Failure, next: FailedRequest["next"]) =>
      job.onFailure?.({
        reason: failure.message,
        blames: failure instanceof RejectedInputError ? "texts" : "embedder",
        next,
      });

    /** @returns how it failed, if it did */
    async function attempt(
      places: readonly number[],
      request: (texts: readonly string[]) => Promise<Float32Array[] | undefined>,
    ): Promise<Failure | undefined> {
      try {
        const vectors = await request(places.map((place) => texts[place] as string));
        for (const [n, vector] of (vectors ?? []).entries()) outcomes.set(places[n] as number, vector);
        return undefined;
      } catch (thrown) {
        if (job.abandon.aborted || !(thrown instanceof TransientError || thrown instanceof RejectedInputError))
          throw thrown;
        return thrown;
      }
    }

    /** Without suspicion: each failure opens the breaker, and the next try is the trial that may close it. */
    async function settle(places: readonly number[]): Promise<void> {
      for (let tries = 1; !job.stop.aborted; tries += 1) {
        let [tookMs, isTrial] = [0, false];
        const failure = await attempt(places, (part) =>
          breaker.guardInTurn(async () => {
            const startedAt = clock.elapsed();
            isTrial = breaker.state() !== undefined;
            try {
              return await sendBatch(part, job);
            } finally {
              tookMs = clock.elapsed() - startedAt;
            }
          }, job.stop),
        );
        if (failure === undefined) return;
        if (failure instanceof RejectedInputError) return await lookInto(places, failure);
        // An outage is told once, however long it lasts.
        if (!isTrial) tell(failure, "waited");
        // One that takes a minute to fail holds everybody up: the canary is the cheaper question.
        const isSlow = tookMs > (queue.patienceMs() ?? Number.POSITIVE_INFINITY);
        if (tries < TRIES && !isSlow) continue;
        if (await canaryPasses()) return await suspect(places);
        tries = 0;
      }
    }

    /** Texts that were refused before: they are sent only while a canary passes, and not together, to be halved once more. */
    async function hearAgain(places: readonly number[]): Promise<void> {
      while (!(await canaryPasses())) if (job.stop.aborted) return;
      for (const place of places) await suspect([place]);
    }

    /** The embedder is at fault after all. */
    const begin = (places: readonly number[]) => (job.isSuspect ? hearAgain(places) : settle(places));

    /** A canary has passed since these failed. */
    async function suspect(places: readonly number[]): Promise<void> {
      await breaker.whenClosed(job.stop);
      if (job.stop.aborted) return;
      // The first time that a text is alone it may take as long as the embedder allows.
      const withinMs = places.length > 1 || job.isSuspect ? queue.patienceMs() : undefined;
      const failure = await attempt(places, (part) => send(part, job, withinMs));
      if (failure !== undefined) await lookInto(places, failure);
    }

    /** These have failed: together they are halved, one alone is heard later, with the others that are. */
    async function lookInto(places: readonly number[], failure: Failure): Promise<void> {
      const [place] = places;
      if (place === undefined) return;
      if (places.length === 1) return void alone.set(place, { text: texts[place] as string, failure });
      tell(failure, "halved");
      // A server that says that it refuses an input needs no witness, yet.
      if (!(failure instanceof RejectedInputError) && !(await canaryPasses())) return await begin(places);
      const half = Math.ceil(places.length / 2);
      await suspect(places.slice(0, half));
      await suspect(places.slice(half));
    }

    /** Sends a text that has failed alone, or what is left of it, once more. */
    async function tryAlone(place: number, text: string): Promise<void> {
      const failure = await attempt([place], () => send([text], job, queue.patienceMs()));
      if (failure === undefined) alone.delete(place);
      else alone.set(place, { text, failure });
    }

    /**
     * The texts that have failed alone. All of them are sent between one canary and the next: each failure has one before and one after
     * it, and many texts cost no more canaries than one.
     */
    async function hear(): Promise<void> {
      for (const place of [...alone.keys()]) {
        for (let shortenings = 0; shortenings < SHORTENINGS; shortenings += 1) {
          const failed = alone.get(place);
          if (failed === undefined || !isTooLong(failed.failure)) break;
          tell(failed.failure, "retried");
          await tryAlone(place, failed.text.slice(0, Math.ceil(failed.text.length / 2)).toWellFormed());
        }
      }
      for (let tries = 1; alone.size > 0; tries += 1) {
        for (const { failure } of alone.values()) tell(failure, "retried");
        // The embedder is at fault after all: they begin anew.
        if (!(await canaryPasses())) return alone.clear();
        if (tries > TRIES_ALONE) break;
        for (const [place, { text }] of [...alone]) if (!job.stop.aborted) await tryAlone(place, text);
      }
      for (const [place, { failure }] of alone) outcomes.set(place, { refused: verdict(failure) });
      alone.clear();
    }

    /**
     * One canary or two, by chance: a server that fails every second time would else always fail on the text, never on the canary.
     * One that fails opens the breaker, for everyone.
     */
    async function canaryPasses(): Promise<boolean> {
      try {
        for (let canaries = random() < 0.5 ? 1 : 2; canaries > 0; canaries -= 1) {
          await breaker.guardInTurn(() => canary.send(requestOf(job)), job.stop);
        }
        return !job.stop.aborted;
      } catch (thrown) {
        if (job.abandon.aborted || !(thrown instanceof TransientError)) throw thrown;
        return false;
      }
    }

    try {
      while (!job.stop.aborted) {
        const left = texts.map((_, place) => place).filter((place) => !outcomes.has(place));
        if (left.length === 0) break;
        await begin(left.slice(0, textsPerRequest()));
        await hear();
      }
    } catch (thrown) {
      if (!job.abandon.aborted && !isStopped(job, thrown)) throw thrown;
    }
    return outcomes.size < texts.length ? undefined : texts.map((_, place) => outcomes.get(place) as TextOutcome);
  }

  return { textsPerRequest, check: requests.check, embed };
}

/** It was stopped before it got to the embedder. */
const isStopped = ({ stop }: EmbeddingJob, thrown: unknown) => stop.aborted && thrown === stop.reason;

function verdict(failure: Failure): string {
  if (failure instanceof RejectedInputError) return failure.message;
  return `It fails each time, while a harmless text passes: ${failure.message}`;
}

function isTooLong(failure: Failure): boolean {
  return failure instanceof RejectedInputError && failure.reason === "too-long";
}
