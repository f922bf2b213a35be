// The end of a run: what was left to live indexing is waited for, the index is put in order and checked against the archive, what
// is missing is repaired, and the verdict is drawn.

import { unlessStopped } from "../../async/abortable.ts";
import type { Breaker } from "../../embedding/circuit-breaker.ts";
import { TransientError } from "../../errors.ts";
import { putInOrder } from "../../indexing/guild-index/upkeep.ts";
import type { Clock } from "../../ports/clock.ts";
import type { VectorIndex } from "../../ports/vector-index.ts";
import type { Findings, Verification } from "../compare/verify.ts";
import type { RunReason, WaitingFor } from "../run/facts.ts";
import { isActive, type Phase, type PhaseName, type Run, totals, withStatus } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";

const REPAIRS = 3;
/** More set-aside records than this are not counted once more. */
const MOST_COUNTED = 10_000;

export interface FinalCheckParts {
  readonly index: VectorIndex;
  readonly breaker: Breaker;
  readonly run: () => Run;
  /** Checks the ranges of the run. @param ready resolves when the index is in order: searches wait for it */
  verify(run: Run, ready: Promise<unknown>): Promise<Findings>;
  /** Has these records (and whatever else is marked) brought in order by live indexing, and waits for it. */
  repair(records: Findings["toRepair"], stop: AbortSignal): Promise<void>;
  /** Resolves when it is clear what of an earlier process's work is wrong, and that is marked. */
  doubtsSettled(): Promise<void>;
  /** False when it was stopped before that was clear. @throws WrongVectorsError when they are not */
  areVectorsRight(): Promise<boolean>;
  /** See `Suspects.retry`. */
  retrySuspects(): Promise<{ readonly marked: number; readonly nextAt: number | undefined }>;
  /** How many records of a phase are set aside; at most `limit` are counted. */
  stillSetAside(phase: Phase, limit: number): Promise<number>;
  readonly update: RunState["update"];
  readonly clock: Clock;
  /** Says what is being waited for. */
  onActivity(activity: WaitingFor): void;
  readonly stop: AbortSignal;
}

/** @returns undefined when it was asked to stop before the end */
export async function checkFinally(parts: FinalCheckParts): Promise<Verification | undefined> {
  const { stop } = parts;
  parts.onActivity({ kind: "changed-records" });
  await unlessStopped(parts.doubtsSettled(), stop);
  await parts.repair([], stop);
  await hearSuspects(parts);
  if (stop.aborted) return undefined;
  if (!(await parts.areVectorsRight())) return undefined;
  parts.onActivity({ kind: "index-upkeep" });
  let findings = await verifyMeanwhile(parts);
  for (let repairs = 0; findings !== undefined && findings.toRepair.length > 0 && repairs < REPAIRS; repairs += 1) {
    await parts.repair(findings.toRepair, stop);
    findings = await verifyPatiently(parts, Promise.resolve());
  }
  return stop.aborted ? undefined : findings?.verification;
}

/** Archive and index are compared while upkeep puts the index in order in its own process; rows that went meanwhile are looked for again. */
async function verifyMeanwhile(parts: FinalCheckParts): Promise<Findings | undefined> {
  const { index, stop, onActivity } = parts;
  const rows = await index.count();
  const ordering = unlessStopped(putInOrder(index, stop), stop).then(() => onActivity({ kind: "final-check" }));
  const ordered = ordering.catch(() => undefined);
  let findings: Findings | undefined;
  try {
    findings = await verifyPatiently(parts, ordering);
  } finally {
    // Whoever leaves the run does not leave upkeep behind. Its failure is heard where the check waits for it.
    await ordered;
  }
  if (stop.aborted) return undefined;
  return (await index.count()) < rows ? await verifyPatiently(parts, ordering) : findings;
}

/** Records that were refused, but not often enough to be given up, are tried again, minutes apart; then the accounts are right. */
async function hearSuspects(parts: FinalCheckParts): Promise<void> {
  const { stop, clock, repair, retrySuspects } = parts;
  for (;;) {
    const { marked, nextAt } = await retrySuspects();
    if (marked === 0 && nextAt === undefined) break;
    parts.onActivity({ kind: "refused-records" });
    if (marked === 0) await clock.sleep(Math.max(0, (nextAt ?? 0) - clock.now()), stop);
    else await repair([], stop);
    if (stop.aborted) return;
  }
  for (const phase of parts.run().phases) {
    const counted = phase.counters.quarantined;
    if (counted === 0 || counted > MOST_COUNTED) continue;
    const released = counted - (await parts.stillSetAside(phase, counted));
    if (released > 0) await parts.update((run) => withReleased(run, phase.name, released));
  }
}

/** Records that were set aside at first, and are searchable after all. */
function withReleased(run: Run, name: PhaseName, released: number): Run {
  const phases = run.phases.map((phase) => {
    if (phase.name !== name) return phase;
    const { embedded, quarantined } = phase.counters;
    const counters = { ...phase.counters, embedded: embedded + released, quarantined: quarantined - released };
    return { ...phase, counters };
  });
  return { ...run, phases };
}

/** The check searches too: an embedder that is down is waited for, here as everywhere; any other trouble is the caller's. */
async function verifyPatiently(
  { breaker, run, verify, stop }: FinalCheckParts,
  ready: Promise<unknown>,
): Promise<Findings | undefined> {
  for (;;) {
    await breaker.whenClosed(stop);
    if (stop.aborted) return undefined;
    try {
      return await unlessStopped(verify(run(), ready), stop);
    } catch (thrown) {
      if (!(thrown instanceof TransientError) || breaker.state() === undefined) throw thrown;
    }
  }
}

/** The run at its end: it has succeeded, failed after all, or was asked to pause at the last moment. */
export function concluded(run: Run, verification: Verification, now: number): Run {
  const failed = whyFailed(run, verification);
  if (failed !== undefined) return withStatus(run, "failed", failed, now);
  if (run.status === "pausing") return withStatus(run, "paused", run.reason, now);
  const awake = run.status === "waiting" ? withStatus(run, "running", { kind: "embedder-not-needed" }, now) : run;
  return { ...withStatus(awake, "succeeded", { kind: "nothing-remains" }, now), breaker: undefined };
}

/** The run when it stopped before its end: paused if that was asked for, else to be taken up again. */
export function stoppedShort(run: Run, now: number): Run {
  if (run.status === "pausing") return withStatus(run, "paused", run.reason, now);
  return isActive(run.status) ? withStatus(run, "interrupted", { kind: "process-stopped" }, now) : run;
}

function whyFailed(run: Run, verification: Verification): RunReason | undefined {
  const { planned, embedded, unchanged, skipped } = totals(run);
  if (planned > skipped && embedded + unchanged === 0) return { kind: "nothing-embedded", planned };
  const books = verification.criteria.find((criterion) => criterion.name === "accounting");
  return books?.ok === false ? { kind: "accounts-differ", accounts: books.accounts } : undefined;
}
