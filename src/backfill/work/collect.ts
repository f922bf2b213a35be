// The first part of a run whose source is Discord: history is collected, booked in the run, and the plan's numbers follow it.

import type { LiveIndexing } from "../../indexing/live/live.ts";
import type { Snowflake } from "../../snowflake.ts";
import { type Collection, collectHistory } from "../../sync/collect.ts";
import type { CompareParts } from "../../sync/compare-page.ts";
import type { Sources } from "../compare/difference.ts";
import { survey } from "../compare/survey.ts";
import type { Run } from "../run/run.ts";
import type { RunState } from "../run/run-state.ts";

/** @returns false when it was stopped before the end */
export async function collectForRun(
  parts: CompareParts & { readonly sources: Sources; readonly live: Pick<LiveIndexing, "changed"> },
  guildId: Snowflake,
  run: Run,
  update: RunState["update"],
  stop: AbortSignal,
): Promise<boolean> {
  if (run.source !== "discord" || run.collection?.finished === true) return !stop.aborted;

  const onRead: Collection["onRead"] = async (messages, outdated) => {
    if (outdated.length > 0) await parts.live.changed(guildId, outdated);
    await update((each) => ({
      ...each,
      collection: { finished: false, collected: (each.collection?.collected ?? 0) + messages, unreadable: [] },
    }));
  };
  const collection = { newestId: run.cutoffId, startedAt: run.startedAt, onRead };
  const collected = await collectHistory(parts, guildId, collection, stop);
  if (!collected.complete) return false;
  const { phases: surveyed } = await survey(parts.sources, guildId, run.cutoffId);
  await update((each) => ({
    ...each,
    collection: { finished: true, collected: each.collection?.collected ?? 0, unreadable: [...collected.unreadable] },
    phases: each.phases.map((phase) => ({
      ...phase,
      planned: surveyed.find(({ name }) => name === phase.name)?.records ?? phase.planned,
    })),
  }));
  return !stop.aborted;
}
