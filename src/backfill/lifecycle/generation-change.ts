// A change of the model, the texts or the columns, from the first look after the restart to the end: the admins are asked, or it begins by
// itself; when the present generation has everything, the former ones retire, and in the end they are deleted. One guild after the other.

import PQueue from "p-queue";
import { unlessStopped } from "../../async/abortable.ts";
import type { ForegroundGate } from "../../async/foreground-gate.ts";
import { every } from "../../async/intervals.ts";
import { levelOf, toError } from "../../errors.ts";
import { completed, outlived, rolledBack, without } from "../../indexing/guild-index/generations.ts";
import type { GuildIndexes } from "../../indexing/guild-index/guild-indexes.ts";
import type { Ownership } from "../../indexing/guild-index/ownership.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Generation, GenerationChange } from "../../ports/generations.ts";
import type { Logger } from "../../ports/logger.ts";
import type { QuarantineStore } from "../../ports/quarantine.ts";
import type { RunStore } from "../../ports/runs.ts";
import { RefusedError } from "../../refusals.ts";
import type { Snowflake } from "../../snowflake.ts";
import type { Analysis } from "../compare/survey.ts";
import { isWhole } from "../compare/whole.ts";
import { isOfSpace, type Run } from "../run/run.ts";
import { requireOwnership } from "./start.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface GenerationSettings {
  /** How many days a former search index is kept after a change. Default 7. */
  readonly keepOldIndexDays?: number | undefined;
  /** Embeds anew without asking when only texts are made in another way and the model is built in: it costs only time. Default true. */
  readonly reindexByItself?: boolean | undefined;
}

export interface GenerationChangeParts extends GenerationSettings {
  readonly archive: Archive;
  readonly runStore: RunStore<Run>;
  readonly quarantine: Pick<QuarantineStore, "list">;
  readonly indexes: GuildIndexes;
  readonly ownership: Ownership;
  readonly foreground: ForegroundGate;
  readonly clock: Clock;
  readonly logger: Logger;
  analyze(guildId: Snowflake): Promise<Analysis>;
  /** Starts a backfill of everything that nobody asked for. */
  start(guildId: Snowflake): Promise<unknown>;
  /** @returns whether it has reached the admin channel */
  ask(guildId: Snowflake, change: GenerationChange, analysis: Analysis): Promise<boolean>;
  /** Resolves when nobody works on a guild's run any more. */
  done(guildId: Snowflake): Promise<unknown>;
  /** Whether somebody works on a guild's run. */
  isAtWork(guildId: Snowflake): boolean;
  /** Does something while nothing else begins or ends in the guild. */
  inTurn<Result>(guildId: Snowflake, work: () => Promise<Result>): Promise<Result>;
}

export interface GenerationChanges {
  /** Looks at a guild that has become ours: asks, begins, ends or tidies up. Nobody waits for it. */
  consider(guildId: Snowflake): void;
  /** Retires the former generations if the present one has everything. @returns whether there is only one now */
  complete(guildId: Snowflake): Promise<boolean>;
  /** The same at the end of a run. What fails is done when the guild is looked at next. */
  runSucceeded(guildId: Snowflake): Promise<void>;
  /** Deletes the retired generations now: what is being removed is to be nowhere any more. */
  giveUpRetired(guildId: Snowflake): Promise<void>;
  /** Which one `rollBack` would go back to. */
  former(guildId: Snowflake): Promise<Generation | undefined>;
  /** Searches the former generation first again. @returns it @throws RefusedError when there is none */
  rollBack(guildId: Snowflake, by: string): Promise<Generation>;
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export function createGenerationChanges(parts: GenerationChangeParts): GenerationChanges {
  const { archive, runStore, quarantine, indexes, ownership, clock, logger } = parts;
  const keptMs = (parts.keepOldIndexDays ?? 7) * DAY_MS;
  const looks = new PQueue({ concurrency: 1 });
  const stopped = new AbortController();
  /** Guilds with something that is to be deleted one day. */
  const withRetired = new Set<Snowflake>();

  async function complete(guildId: Snowflake): Promise<boolean> {
    if ((await indexes.changeOf(guildId)) === undefined) return true;
    const { index, writer } = await indexes.open(guildId);
    if (!(await isWhole({ archive, index, writer, quarantine, foreground: parts.foreground }, guildId, stopped.signal)))
      return false;
    const { fingerprint } = indexes.space;
    await indexes.changeGenerations(guildId, (generations) => completed(generations, fingerprint, clock.now()));
    logger.info("generation:complete", { guildId, fingerprint });
    // Deleted by a later look at the soonest: searches under way still read the former ones.
    withRetired.add(guildId);
    return true;
  }

  /** Deletes what has been kept for long enough: the table first, so that a crash leaves something that is found again. */
  async function tidy(guildId: Snowflake): Promise<void> {
    const generations = await indexes.generations(guildId);
    if (generations.list.some(({ status }) => status === "retired")) withRetired.add(guildId);
    else withRetired.delete(guildId);
    if (ownership.lease(guildId) === undefined) return;
    await deleteRetired(guildId, outlived(generations, keptMs, clock.now()));
  }

  async function deleteRetired(guildId: Snowflake, retired: readonly Generation[]): Promise<void> {
    const gone = retired.map(({ fingerprint }) => fingerprint);
    if (gone.length === 0) return;
    for (const fingerprint of gone) await indexes.drop(guildId, fingerprint);
    await indexes.changeGenerations(guildId, (latest) => without(latest, gone));
    logger.info("generation:deleted", { guildId, fingerprints: gone });
  }

  async function look(guildId: Snowflake): Promise<void> {
    await parts.inTurn(guildId, () => tidy(guildId));
    const change = await indexes.changeOf(guildId);
    if (change === undefined || change.isHeldBack || parts.isAtWork(guildId)) return;
    if (await parts.inTurn(guildId, () => complete(guildId))) return;
    const run = (await runStore.load(guildId))?.value;
    // Somebody has begun it, and paused or cancelled it: it is theirs.
    if (run !== undefined && isOfSpace(run, indexes.space) && run.status !== "succeeded") return;
    if (beginsByItself(change)) {
      logger.info("generation:begins", { guildId, fingerprint: change.to.fingerprint });
      await parts.start(guildId);
      // One server after the other.
      await unlessStopped(parts.done(guildId), stopped.signal);
      return;
    }
    const { toldOf } = await indexes.generations(guildId);
    if (toldOf === change.to.fingerprint || (await archive.settings(guildId)).adminChannelId === undefined) return;
    if (!(await parts.ask(guildId, change, await parts.analyze(guildId)))) return;
    await indexes.changeGenerations(guildId, (latest) => ({ ...latest, toldOf: change.to.fingerprint }));
  }

  /** The same built-in model costs nothing but time. */
  const beginsByItself = ({ isSameModel, to }: GenerationChange) =>
    isSameModel && to.embedder.kind === "built-in" && parts.reindexByItself !== false;

  function consider(guildId: Snowflake): void {
    void looks.add(async () => {
      if (stopped.signal.aborted || ownership.lease(guildId) === undefined) return;
      try {
        await look(guildId);
      } catch (thrown) {
        if (stopped.signal.aborted) return;
        logger[levelOf(thrown)]("generation:not-looked-at", { guildId, error: toError(thrown).message });
      }
    });
  }

  async function rollBack(guildId: Snowflake, by: string): Promise<Generation> {
    requireOwnership(ownership, guildId);
    if (parts.isAtWork(guildId)) throw new RefusedError({ kind: "still-at-work", toRollBack: "index" });
    const { fingerprint } = indexes.space;
    const latest = await indexes.generations(guildId);
    const [former] = rolledBack(latest, fingerprint, by, clock.now()).list;
    if (former === undefined || !(await indexes.has(guildId, former.fingerprint))) {
      throw new RefusedError({ kind: "former-index-deleted" });
    }
    await indexes.changeGenerations(guildId, (each) => rolledBack(each, fingerprint, by, clock.now()));
    logger.info("generation:rolled-back", { guildId, to: former.fingerprint });
    return former;
  }

  const tidying = every(HOUR_MS, clock, stopped.signal, async () => {
    for (const guildId of withRetired) consider(guildId);
  });

  return {
    consider,
    complete,
    async runSucceeded(guildId) {
      try {
        await complete(guildId);
      } catch (thrown) {
        logger.warn("generation:not-completed", { guildId, reason: toError(thrown).message });
      }
    },
    giveUpRetired: (guildId) =>
      parts.inTurn(guildId, async () => {
        await deleteRetired(guildId, outlived(await indexes.generations(guildId), 0, clock.now()));
      }),
    async former(guildId) {
      const { list, heldBack } = await indexes.generations(guildId);
      const { fingerprint } = indexes.space;
      return heldBack === fingerprint ? undefined : list.find((each) => each.fingerprint !== fingerprint);
    },
    rollBack: (guildId, by) => parts.inTurn(guildId, () => rollBack(guildId, by)),
    idle: () => looks.onIdle(),
    async stop() {
      stopped.abort(new Error("shutting down"));
      looks.clear();
      await looks.onIdle();
      await tidying;
    },
  };
}
