// The generations of a guild's index as data: which status may follow which, and what becomes of them when the settings change, when
// the newest is complete, and when it is rolled back. Pure; guild-generations.ts stores what comes out.

import type { EmbedderSettings, EmbeddingSpace } from "../../ports/embedder.ts";
import type { Generation, GenerationChange, GenerationStatus, Generations } from "../../ports/generations.ts";
import { RefusedError } from "../../refusals.ts";

/** A missing arrow is a refused change. Only what is retired is ever deleted. */
export const generationTransitions = {
  building: {
    current: "a backfill has filled it and the check agrees, or there was nothing to fill",
    retired: "the settings named another, and that one is complete",
  },
  current: {
    building: "it is made up by difference again: it was away, or a rollback put the former one before it",
    retired: "a newer one is complete",
  },
  retired: {
    building: "the settings name it again",
    current: "it was rolled back to",
  },
} as const satisfies Record<GenerationStatus, Partial<Record<GenerationStatus, string>>>;

/** @throws Error when the table has no such arrow */
export function withGenerationStatus(
  generation: Generation,
  status: GenerationStatus,
  reason: string,
  now: number,
): Generation {
  if (generation.status === status) return generation;
  if (!(status in generationTransitions[generation.status])) {
    throw new Error(`a generation cannot go from ${generation.status} to ${status}`);
  }
  return { ...generation, status, reason, statusAt: now };
}

/** What the present settings make. */
export type PresentGeneration = Pick<Generation, "fingerprint" | "space" | "embedder">;

/**
 * The generations under the present settings: theirs is there, and is searched first.
 * @param stored undefined: no version that keeps a record has seen this guild
 * @param tables fingerprints of the tables that there are; only looked at when the settings have changed
 * @param lastFilled the fingerprint of the latest run, if any: of several tables without a record, the one that was in use
 * @returns the same object when nothing has changed
 */
export function arrange(
  stored: Generations | undefined,
  tables: readonly string[],
  present: PresentGeneration,
  lastFilled: string | undefined,
  now: number,
): Generations {
  if (stored === undefined) return adopt(tables, present, lastFilled, now);
  const { list, heldBack } = stored;
  if (heldBack === present.fingerprint && list.some(({ fingerprint }) => fingerprint === heldBack)) return stored;
  const [first] = list;
  if (first?.fingerprint === present.fingerprint && heldBack === undefined) return stored;
  const known = list.find(({ fingerprint }) => fingerprint === present.fingerprint);
  const others = list.filter((generation) => generation !== known);
  const again = "the settings name it again: what it lacks is made up";
  const front =
    known === undefined
      ? generation(present, "building", others.length === 0 ? "the first" : "the settings have changed", now)
      : { ...withGenerationStatus(known, "building", again, now), ...present };
  const unlisted = tables.filter(
    (table) => table !== present.fingerprint && !list.some(({ fingerprint }) => fingerprint === table),
  );
  const found = unlisted.map((table) => generation(recognised(table, present), "retired", "found on the disk", now));
  return { list: [front, ...others, ...found], toldOf: stored.toldOf };
}

/** The tables of a version that kept no record, by their names. */
function adopt(
  tables: readonly string[],
  present: PresentGeneration,
  lastFilled: string | undefined,
  now: number,
): Generations {
  const others = tables.filter((table) => table !== present.fingerprint);
  if (others.length === 0) return { list: [generation(present, "current", "the first", now)] };
  const isInUse = lastFilled === present.fingerprint;
  // Nobody has taken what was deleted since out of the others: they are not searched.
  const former = isInUse ? undefined : (others.find((table) => table === lastFilled) ?? others.at(-1));
  const adopted = others.map((table) =>
    table === former
      ? generation(recognised(table, present), "current", "made by an earlier version", now)
      : generation(recognised(table, present), "retired", "left by an earlier version", now),
  );
  const front = generation(present, isInUse ? "current" : "building", "made by this version", now);
  return { list: [front, ...adopted.sort((one, other) => rank(one) - rank(other))] };
}

const rank = ({ status }: Generation) => (status === "retired" ? 1 : 0);

function generation(of: PresentGeneration, status: GenerationStatus, reason: string, now: number): Generation {
  const { fingerprint, space, embedder } = of;
  return { fingerprint, space, embedder, status, reason, statusAt: now };
}

/** "backscroll-static-256-1a2b3c4d-5e6f7a8b": model, dimensions, the rest of its space, then texts and rows. */
const TABLE = /^((.+)-(\d+)-[0-9a-f]{8})-[0-9a-f]{8}$/;

/** What a table's name tells of it. */
function recognised(fingerprint: string, present: PresentGeneration): PresentGeneration {
  const [, spaceFingerprint = fingerprint, modelId = fingerprint, dimensions = "0"] = TABLE.exec(fingerprint) ?? [];
  const isOurs = spaceFingerprint === present.space.fingerprint;
  const space: EmbeddingSpace = { modelId, dimensions: Number(dimensions), fingerprint: spaceFingerprint };
  const gone: EmbedderSettings = { kind: "unknown" };
  return isOurs
    ? { fingerprint, space: present.space, embedder: present.embedder }
    : { fingerprint, space, embedder: gone };
}

/** In the order in which a search takes records. */
export function searched({ list }: Generations): readonly Generation[] {
  return list.filter(({ status }) => status !== "retired");
}

/** @returns undefined when one generation has all */
export function changeUnderWay(generations: Generations, present: string): GenerationChange | undefined {
  const to = generations.list.find(({ fingerprint }) => fingerprint === present);
  const from = searched(generations).filter(({ fingerprint }) => fingerprint !== present);
  if (to === undefined || from.length === 0) return undefined;
  const isSameModel = from.every(({ space }) => space.fingerprint === to.space.fingerprint);
  return { to, from, isSameModel, isHeldBack: generations.heldBack === present };
}

/** The present one has all: the others are retired. */
export function completed(generations: Generations, present: string, now: number): Generations {
  const list = generations.list.map((each) =>
    each.fingerprint === present
      ? withGenerationStatus(each, "current", "a backfill has filled it, and the check agrees", now)
      : withGenerationStatus(each, "retired", "a newer one is complete", now),
  );
  // In front, also when a rollback had put another there.
  const isPresent = ({ fingerprint }: Generation) => fingerprint === present;
  return { list: [...list.filter(isPresent), ...list.filter((each) => !isPresent(each))], toldOf: generations.toldOf };
}

/**
 * The former one is searched first again; the present one goes on being written to, for what is newer.
 * @throws RefusedError when there is no former one
 */
export function rolledBack(generations: Generations, present: string, by: string, now: number): Generations {
  const to = generations.list.find(({ fingerprint }) => fingerprint === present);
  const [former, ...rest] = generations.list.filter(({ fingerprint }) => fingerprint !== present);
  if (to === undefined || former === undefined) {
    throw new RefusedError({ kind: "no-former-index" });
  }
  if (generations.heldBack === present) throw new RefusedError({ kind: "former-index-in-use" });
  const reason = `rolled back by ${by}`;
  return {
    list: [
      withGenerationStatus(former, "current", reason, now),
      withGenerationStatus(to, "building", reason, now),
      ...rest,
    ],
    toldOf: generations.toldOf,
    heldBack: present,
  };
}

/** Retired ones that have been kept for long enough. */
export function outlived({ list }: Generations, keptMs: number, now: number): readonly Generation[] {
  return list.filter(({ status, statusAt }) => status === "retired" && now - statusAt >= keptMs);
}

/** Without some that are retired, whose tables are gone. */
export function without(generations: Generations, fingerprints: readonly string[]): Generations {
  const list = generations.list.filter(
    ({ fingerprint, status }) => status !== "retired" || !fingerprints.includes(fingerprint),
  );
  return { ...generations, list };
}
