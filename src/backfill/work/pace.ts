// How hard the backfill pushes: texts per batch, the cooldown between batches and how many run at once. `gentle` is fixed,
// `full` is as fast as the embedder goes, `auto` starts gentle, takes what live indexing and search leave, and while members are about
// sends no batch that they would notice.

import type { EmbeddingTiming } from "../../embedding/queue.ts";
import type { Embedder } from "../../ports/embedder.ts";
import type { PaceName, PhaseName } from "../run/run.ts";

/** Texts per batch and milliseconds between batches, as docs/how-a-backfill-runs.md tells. */
const gentle: Record<PhaseName, { readonly texts: number; readonly cooldownMs: number }> = {
  recent: { texts: 100, cooldownMs: 500 },
  medium: { texts: 150, cooldownMs: 300 },
  full: { texts: 200, cooldownMs: 200 },
  notes: { texts: 50, cooldownMs: 1_000 },
};

/** Live indexing and search are hurt when they wait longer than this for the embedder. Milliseconds. */
const HURT_MS = 250;
/** While members are about, a batch of `auto` is to take no longer: whoever comes behind it is not hurt. Milliseconds. */
const UNNOTICED_MS = 200;
/** Nor is it noticed when it takes no more times as long as a member's own text: on a server far away, small batches are as slow. */
const UNNOTICED_TIMES = 2;
/** Members are about until the backfill has kept the embedder busy for so long without one of them. Milliseconds. */
const ABOUT_MS = 4_000;
/** Of the requests that the embedder works on at once, so many are left to members while they are about; ... */
const MEMBERS_SHARE = 1;
/** ... while they are not, so many batches more are in line for it: it never waits for one to be cut. */
const IN_LINE = 1;
/** Below this the cooldown of `auto` is nothing. */
const NO_COOLDOWN = 0.02;
const RECOVERY = 1.1;
const SMALLEST = 1 / 512;

export interface Pace {
  readonly name: PaceName;
  /** Texts in the next batch; at least 1. */
  batchTexts(phase: PhaseName): number;
  /** To be waited before a batch enters the embedding queue. */
  cooldownMs(phase: PhaseName): number;
  /** Batches at once, at the embedder or in line for it. */
  concurrency(): number;
  /** Learns from every answered request, of whatever priority. */
  observe(timing: Omit<EmbeddingTiming, "tokens">): void;
  /** Halves the batches while memory is short, each time it is told; after that they grow back by a tenth per good batch. */
  memory(isShort: boolean): void;
}

/** @param slowMs an answer slower than this makes the batches smaller */
export function createPace(name: PaceName, limits: Embedder["limits"], slowMs: number): Pace {
  /** Share of the full batch size, shrinking on trouble. */
  let size = 1;
  let mayGrow = true;
  /** `auto` only: 0 is as gentle as `gentle`, 1 as fast as `full`. */
  let eagerness = name === "full" ? 1 : 0;

  /** Of the latest batch; what is fixed per request is spread over its texts. */
  let msPerText = 0;
  /** What a member's text took last. */
  let memberMs = 0;
  /** What the backfill has spent at the embedder since a member needed it. */
  let aloneMs = Number.POSITIVE_INFINITY;

  const membersAreAbout = () => aloneMs < ABOUT_MS;
  const halved = () => Math.max(SMALLEST, size / 2);

  function between(low: number, high: number): number {
    return low + (high - low) * eagerness;
  }

  function learnEagerness({ priority, waitedMs }: Pick<EmbeddingTiming, "priority" | "waitedMs">) {
    if (name !== "auto") return;
    if (priority === "backfill") eagerness = Math.min(1, eagerness === 0 ? 0.25 : eagerness * 2);
    else if (waitedMs > HURT_MS) eagerness = eagerness < 0.1 ? 0 : eagerness / 2;
  }

  function mostTexts(): number {
    if (name !== "auto" || !membersAreAbout() || msPerText === 0) return limits.textsPerRequest;
    return Math.max(UNNOTICED_MS, UNNOTICED_TIMES * memberMs) / msPerText;
  }

  return {
    name,
    batchTexts(phase) {
      const calm = Math.min(gentle[phase].texts, limits.textsPerRequest);
      return Math.max(1, Math.floor(Math.min(between(calm, limits.textsPerRequest) * size, mostTexts())));
    },
    cooldownMs(phase) {
      const left = 1 - eagerness;
      return left < NO_COOLDOWN ? 0 : gentle[phase].cooldownMs * left;
    },
    concurrency() {
      const most = limits.parallelRequests + (membersAreAbout() ? -MEMBERS_SHARE : IN_LINE);
      return Math.max(1, Math.round(between(1, most)));
    },
    observe(timing) {
      learnEagerness(timing);
      if (timing.priority !== "backfill") {
        // Many at once, after an absence, say, take longer than anybody waits for one.
        if (timing.texts === 1) memberMs = timing.tookMs;
        aloneMs = 0;
        return;
      }
      aloneMs += timing.tookMs;
      msPerText = timing.tookMs / timing.texts;
      if (timing.tookMs > slowMs) size = halved();
      else if (mayGrow) size = Math.min(1, size * RECOVERY);
    },
    memory(isShort) {
      mayGrow = !isShort;
      if (isShort) size = halved();
    },
  };
}
