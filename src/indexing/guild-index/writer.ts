// The one writer of a guild's index: every change goes through here, in order, grouped into few durable commits. It also decides
// races: a row prepared from a record that has since been edited or deleted is dropped, so a deletion always wins.

import { TransientError } from "../../errors.ts";
import type { RemovalScope } from "../../ports/archive.ts";
import type { AffectedRows, FormerIndex, IndexRow, VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import { createChanges, type Ticket, type WriteOutcome } from "./changes.ts";
import { createNewestId } from "./newest-id.ts";

/** Rows of one commit at most; keeps a commit's memory small. */
const ROWS_PER_COMMIT = 10_000;

/** The lease has (almost) run out: nothing was sent. Whoever owns the guild next goes on. */
export class NotOwnedError extends TransientError {}

export interface IndexWriter {
  /** @param at as of an earlier, still open ticket; default now */
  ticket(at?: number): Ticket;
  /**
   * Writes rows made from records read after `ticket`. All rows of one record come in one call.
   * @param isRun a backfill's: others go first, and these stay in former generations, too
   * @param fresh the caller knows that none of these ids has rows
   * @throws NotOwnedError when this process no longer owns the guild; whatever the index throws
   */
  write(
    rows: readonly IndexRow[],
    options: { readonly ticket: Ticket; readonly fresh: boolean; readonly isRun: boolean },
  ): Promise<WriteOutcome>;
  /**
   * What a change of these records concerns, with rows that are on their way. Whoever changed them has said so by `changed`: what was
   * prepared before that will not be written.
   */
  affected(ids: readonly Snowflake[]): Promise<AffectedRows>;
  /** The archive has changed these records: rows made from an earlier read must not be written any more. */
  changed(ids: readonly Snowflake[]): void;
  /** The same for a channel, an author or the guild. The records of other scopes are told one by one, by `changed`. */
  scopeRemoved(scope: RemovalScope): void;
  /** Others may have written: whatever was read before is out of date. */
  takenOver(): void;
  /** @param ticket as of when they were found to be unwanted: ids changed or written since then are left alone */
  removeIds(ids: readonly Snowflake[], ticket?: Ticket): Promise<void>;
  /** Removes rows whose vectors are wrong. Whoever has read them is not to write them again; the caller marks the records pending. */
  withdraw(ids: readonly Snowflake[]): Promise<void>;
  removeScope(scope: RemovalScope): Promise<void>;
  /** Gives up all named versions of all generations. */
  untag(): Promise<void>;
  /** Takes the words of these records out of the rows of former generations that carry them: nobody rewrites those. */
  removeFormerContext(ids: readonly Snowflake[]): Promise<void>;
  /** Anything else that changes the index (removing a run, upkeep that must not race a write). */
  exclusively<Result>(
    change: (index: VectorIndex, formers: readonly FormerIndex[]) => Promise<Result>,
  ): Promise<Result>;
  /** Resolves when all that was asked for is done. */
  idle(): Promise<void>;
}

interface WriteJob {
  readonly rows: readonly IndexRow[];
  readonly at: number;
  readonly fresh: boolean;
  readonly isRun: boolean;
  /** None of the ids has rows, and nobody else may add any. */
  readonly isAppend: boolean;
  resolve(outcome: WriteOutcome): void;
  reject(reason: unknown): void;
}
type Job = { readonly write: WriteJob } | { readonly other: () => Promise<void> };

/** What stands in for the fence that LanceDB does not have. */
export interface CommitGuard {
  /** False once the guild's lease has (almost) run out, and before it is known what others wrote: nothing may be sent then. */
  mayCommit(): boolean;
  /** False once it has run out, and while there is another that nothing has been written under. */
  isOwner(): boolean;
  /** The newest id that the archive has, or has marked, or any later one. */
  newestArchived(): Promise<Snowflake>;
  /**
   * Told of ids whose rows were only written, or removed, when the lease had run out: the process, or its machine, slept in the middle
   * of it, and a new owner may have written them too meanwhile.
   */
  onOvertaken(ids: readonly Snowflake[]): Promise<void>;
}

/**
 * @param formers earlier generations: rows only ever leave them, by each removal, and by each rewrite of a record
 */
export function createIndexWriter(
  index: VectorIndex,
  guard: CommitGuard,
  formers: () => readonly FormerIndex[] = () => [],
): IndexWriter {
  const jobs: Job[] = [];
  const changes = createChanges();
  let working: Promise<void> | undefined;
  const newest = createNewestId(index, guard.newestArchived);

  /** The next jobs that fit one commit: consecutive writes of the same kind that name no id twice. */
  function takeGroup(): WriteJob[] {
    const group: WriteJob[] = [];
    const ids = new Set<Snowflake>();
    let rows = 0;
    for (let job = jobs[0]; job !== undefined && "write" in job; job = jobs[0]) {
      const { write } = job;
      const first = group[0];
      if (first !== undefined) {
        if (write.isAppend !== first.isAppend || write.isRun !== first.isRun) break;
        if (rows + write.rows.length > ROWS_PER_COMMIT) break;
        if (write.rows.some((row) => ids.has(row.id))) break;
      }
      for (const row of write.rows) ids.add(row.id);
      rows += write.rows.length;
      group.push(write);
      jobs.shift();
    }
    return group;
  }

  async function commit(group: readonly WriteJob[]): Promise<void> {
    try {
      const sifted = group.map(changes.sift);
      const rows = sifted.flatMap(({ rows }) => rows);
      requireOwnership();
      const { isAppend = false, isRun = false } = group[0] ?? {};
      if (rows.length > 0) await index.write(rows, { fresh: isAppend });
      // Rows that a run appends stay in the former ones, too: for the way back, and shadowed by the new ones meanwhile.
      const isOfRun = isAppend && isRun;
      if (!isOfRun) await removeFromFormers(rows.map(({ id }) => id));
      await requireInTime(rows.map(({ id }) => id));
      // Whoever believes from an earlier read that these ids have no rows must not append them any more.
      // Not a change of the record: rows that carry its words as context are as good as before.
      if (!isOfRun) for (const row of rows) changes.note(`row:${row.id}`);
      group.forEach((job, position) => {
        const outcome = sifted[position]?.outcome;
        if (outcome !== undefined) job.resolve(outcome);
      });
    } catch (thrown) {
      for (const job of group) job.reject(thrown);
    }
  }

  async function removeFromFormers(ids: readonly Snowflake[]): Promise<void> {
    for (const former of formers()) {
      const held = await former.holds(ids);
      if (held.length > 0) await former.removeIds(held);
    }
  }

  function requireOwnership() {
    if (!guard.mayCommit()) throw notOwned();
  }

  /** After a commit. */
  async function requireInTime(ids: readonly Snowflake[]): Promise<void> {
    if (guard.isOwner()) return;
    await guard.onOvertaken([...new Set(ids)]);
    throw notOwned();
  }

  async function work(): Promise<void> {
    // Lets everything that was submitted in the same turn join one commit.
    await Promise.resolve();
    for (;;) {
      const group = takeGroup();
      if (group.length > 0) await commit(group);
      else {
        const job = jobs.shift();
        if (job === undefined || !("other" in job)) break;
        await job.other();
      }
    }
    working = undefined;
    changes.forget();
  }

  /** @param isUrgent it goes before a run's writes that wait: those see what it does to their ids when they are sifted */
  function submit(job: Job, isUrgent = false) {
    let place = jobs.length;
    while (isUrgent && isRunsWrite(jobs[place - 1])) place -= 1;
    jobs.splice(place, 0, job);
    changes.keep();
    working ??= work();
  }

  async function affected(ids: readonly Snowflake[]): Promise<AffectedRows> {
    await newest.load();
    const known = ids.filter((id) => !newest.isNewer(id));
    if (known.length === 0) return { present: [], dependents: [] };
    return await exclusively((index) => index.affected(known), true);
  }

  function exclusively<Result>(
    change: (index: VectorIndex, formers: readonly FormerIndex[]) => Promise<Result>,
    isUrgent = false,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const other = async () => {
        try {
          requireOwnership();
          resolve(await change(index, formers()));
        } catch (thrown) {
          reject(thrown);
        }
      };
      submit({ other }, isUrgent);
    });
  }

  return {
    ticket: changes.ticket,
    write: (rows, { ticket, fresh, isRun }) =>
      new Promise((resolve, reject) => {
        const isAppend = fresh || (!isRun && rows.every(({ id }) => newest.isNewer(id)));
        newest.add(rows);
        submit({ write: { rows, at: ticket.at, fresh, isRun, isAppend, resolve, reject } }, !isRun);
      }),
    affected,
    changed: (ids) => ids.forEach(changes.note),
    takenOver() {
      changes.note("owner:");
      newest.forget();
    },
    scopeRemoved(scope) {
      if (scope.by === "guild") changes.note("guild:");
      else if ("id" in scope) changes.note(`${scope.by}:${scope.id}`);
    },
    removeIds: (ids, ticket) =>
      exclusively(async (index) => {
        const isStill = (id: Snowflake) =>
          ticket === undefined || ![id, `row:${id}`, "owner:"].some((key) => changes.since(key, ticket.at));
        const unwanted = ids.filter(isStill);
        if (unwanted.length === 0) return;
        await index.removeIds(unwanted);
        await removeFromFormers(unwanted);
        await requireInTime(unwanted);
      }),
    withdraw: (ids) =>
      exclusively(async (index) => {
        await index.removeIds(ids);
        await removeFromFormers(ids);
        // Only now: rows are read, to be written again with their vectors, up to the moment when they are gone.
        ids.forEach(changes.note);
        await requireInTime(ids);
      }),
    removeScope: (scope) =>
      exclusively(async (index, formers) => {
        for (const each of [index, ...formers]) await each.removeScope(scope);
      }),
    untag: () =>
      exclusively(async (index, formers) => {
        for (const each of [index, ...formers]) await each.untag();
      }),
    async removeFormerContext(ids) {
      if (formers().length === 0 || ids.length === 0) return;
      await exclusively(async (_, formers) => {
        for (const former of formers) {
          const { dependents } = await former.affected(ids);
          if (dependents.length > 0) await former.removeContext(ids);
        }
      });
    },
    exclusively: (change) => exclusively(change),
    async idle() {
      while (working !== undefined) await working;
    },
  };
}

const isRunsWrite = (job: Job | undefined) => job !== undefined && "write" in job && job.write.isRun;
const notOwned = () => new NotOwnedError("this process does not own the server's index at the moment");
