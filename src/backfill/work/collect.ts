// The first part of a run whose source is Discord: history is collected, booked in the run, and the plan's numbers follow it.

import type { LiveIndexing } from "../../indexing/live/live.ts";
import { oldest, type Snowflake } from "../../snowflake.ts";
import { type Collection, collectHistory } from "../../sync/collect.ts";
import type { CompareParts } from "../../sync/compare-page.ts";
import { type CountingParts, countOnDiscord } from "../../sync/count-on-discord.ts";
import { type AnalysisParts, newestOnDiscord } from "../compare/analyze.ts";
import type { Sources } from "../compare/difference.ts";
import { survey } from "../compare/survey.ts";
import { type Run, withCollected } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";

const NOTHING = { finished: false, collected: 0, unreadable: [] };
/** Discord may have to make its index of the server first. */
const COUNT_TRIES = 20;

/** @returns false when it was stopped before the end */
export async function collectForRun(
  parts: CompareParts &
    CountingParts &
    Pick<AnalysisParts, "time" | "clock"> & { readonly sources: Sources; readonly live: Pick<LiveIndexing, "changed"> },
  guildId: Snowflake,
  run: Run,
  update: RunState["update"],
  stop: AbortSignal,
): Promise<boolean> {
  if (run.source !== "discord" || run.collection?.finished === true) return !stop.aborted;

  const counting = new AbortController();
  const counted = count(parts, guildId, update, AbortSignal.any([stop, counting.signal]));
  const onRead: Collection["onRead"] = async (messages, outdated, { id, parentId = id }) => {
    if (outdated.length > 0) await parts.live.changed(guildId, outdated);
    await update((each) => ({ ...each, collection: withCollected(each.collection ?? NOTHING, parentId, messages) }));
  };
  // What is archived may be newer than what Discord is known to have: that is not collected up to there.
  const newestId = oldest([run.cutoffId, newestOnDiscord(parts)]);
  const collection = { newestId, startedAt: run.startedAt, onRead };
  const collected = await collectHistory(parts, guildId, collection, stop).finally(() => counting.abort());
  await counted;
  if (!collected.complete) return false;
  const { phases: surveyed } = await survey(parts.sources, guildId, run.cutoffId);
  await update((each) => ({
    ...each,
    collection: { ...(each.collection ?? NOTHING), finished: true, unreadable: [...collected.unreadable] },
    phases: each.phases.map((phase) => ({
      ...phase,
      planned: surveyed.find(({ name }) => name === phase.name)?.records ?? phase.planned,
    })),
  }));
  return !stop.aborted;
}

/** How far the collection is can be told as soon as Discord says how much there is. */
async function count(
  parts: CountingParts,
  guildId: Snowflake,
  update: RunState["update"],
  stop: AbortSignal,
): Promise<void> {
  const expected = await countOnDiscord(parts, guildId, COUNT_TRIES, stop);
  if (expected === undefined || stop.aborted) return;
  await update((each) => (each.collection ? { ...each, collection: { ...each.collection, expected } } : each));
}
