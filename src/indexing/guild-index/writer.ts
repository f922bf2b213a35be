// The one writer of a guild's index: every change goes through here, in order, grouped into few durable commits. It also decides
// races: a row prepared from a record that has since been edited or deleted is dropped, so a deletion always wins.

import { TransientError } from "../../errors.ts";
import type { RemovalScope } from "../../ports/archive.ts";
import type { FormerIndex, IndexRow, VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";

/** Rows of one commit at most; keeps a commit's memory small. */
const ROWS_PER_COMMIT = 10_000;

/** The lease has (almost) run out: nothing was sent. Whoever owns the guild next goes on. */
export class NotOwnedError extends TransientError {}

/** Taken before the archive is read; release it when the rows made from that read are written or given up. */
export interface Ticket {
  readonly at: number;
  release(): void;
}

/** What became of the rows offered. */
export interface WriteOutcome {
  /** Dropped: the record itself changed after it was read. Whoever changed it has marked it pending. */
  readonly superseded: ReadonlySet<Snowflake>;
  /** Dropped: the neighbour whose words they carry changed. Must be prepared again. */
  readonly contextChanged: ReadonlySet<Snowflake>;
}

export interface IndexWriter {
  /** @param at as of an earlier, still open ticket; default now */
  ticket(at?: number): Ticket;
  /**
   * Writes rows made from records read after `ticket`. All rows of one record come in one call.
   * @param fresh the caller knows that none of these ids has rows
   * @throws NotOwnedError when this process no longer owns the guild; whatever the index throws
   */
  write(
    rows: readonly IndexRow[],
    options: { readonly ticket: Ticket; readonly fresh: boolean },
  ): Promise<WriteOutcome>;
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
  const openTickets = new Set<Ticket>();
  /** When each id (`row:` its rows) or scope last changed, oldest change first; only as far back as the oldest open ticket. */
  const lastChange = new Map<string, number>();
  let clock = 0;
  let working: Promise<void> | undefined;

  function note(key: string) {
    clock += 1;
    lastChange.delete(key);
    if (openTickets.size > 0 || jobs.length > 0) lastChange.set(key, clock);
  }

  function forget() {
    if (jobs.length > 0 || working !== undefined) return;
    const oldest = Math.min(...[...openTickets].map((ticket) => ticket.at));
    for (const [key, at] of lastChange) {
      if (at > oldest) break;
      lastChange.delete(key);
    }
  }

  const changedSince = (key: string, at: number) => (lastChange.get(key) ?? 0) > at;

  /** Splits a job's rows into what may still be written and what came too late. */
  function sift(job: WriteJob): { rows: IndexRow[]; outcome: WriteOutcome } {
    const superseded = new Set<Snowflake>();
    const contextChanged = new Set<Snowflake>();
    const rows = job.rows.filter((row) => {
      const gone =
        changedSince(row.id, job.at) ||
        (job.fresh && changedSince(`row:${row.id}`, job.at)) ||
        changedSince(`channel:${row.channelId}`, job.at) ||
        changedSince(`channel:${row.accessChannelId}`, job.at) ||
        changedSince(`author:${row.authorId}`, job.at) ||
        changedSince("guild:", job.at) ||
        changedSince("owner:", job.at);
      if (gone) superseded.add(row.id);
      else if (row.contextId !== undefined && changedSince(row.contextId, job.at)) contextChanged.add(row.id);
      return !gone && !contextChanged.has(row.id);
    });
    return { rows: rows.filter((row) => !contextChanged.has(row.id)), outcome: { superseded, contextChanged } };
  }

  /** The next jobs that fit one commit: consecutive writes of the same kind that name no id twice. */
  function takeGroup(): WriteJob[] {
    const group: WriteJob[] = [];
    const ids = new Set<Snowflake>();
    let rows = 0;
    for (let job = jobs[0]; job !== undefined && "write" in job; job = jobs[0]) {
      const { write } = job;
      const first = group[0];
      if (first !== undefined) {
        if (write.fresh !== first.fresh || rows + write.rows.length > ROWS_PER_COMMIT) break;
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
      const sifted = group.map(sift);
      const rows = sifted.flatMap(({ rows }) => rows);
      requireOwnership();
      const fresh = group[0]?.fresh ?? false;
      if (rows.length > 0) await index.write(rows, { fresh });
      // Rows that a run appends stay in the former ones, too: for the way back, and shadowed by the new ones meanwhile.
      if (!fresh) await removeFromFormers(rows.map(({ id }) => id));
      await requireInTime(rows.map(({ id }) => id));
      // Whoever believes from an earlier read that these ids have no rows must not append them any more.
      // Not a change of the record: rows that carry its words as context are as good as before.
      if (!fresh) for (const row of rows) note(`row:${row.id}`);
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
    forget();
  }

  function submit(job: Job) {
    jobs.push(job);
    working ??= work();
  }

  function exclusively<Result>(
    change: (index: VectorIndex, formers: readonly FormerIndex[]) => Promise<Result>,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      submit({
        other: async () => {
          try {
            requireOwnership();
            resolve(await change(index, formers()));
          } catch (thrown) {
            reject(thrown);
          }
        },
      });
    });
  }

  return {
    ticket(at = clock) {
      const ticket: Ticket = {
        at,
        release() {
          openTickets.delete(ticket);
          forget();
        },
      };
      openTickets.add(ticket);
      return ticket;
    },
    write: (rows, { ticket, fresh }) =>
      new Promise((resolve, reject) => submit({ write: { rows, at: ticket.at, fresh, resolve, reject } })),
    changed: (ids) => ids.forEach(note),
    takenOver: () => note("owner:"),
    scopeRemoved(scope) {
      if (scope.by === "guild") note("guild:");
      else if ("id" in scope) note(`${scope.by}:${scope.id}`);
    },
    removeIds: (ids, ticket) =>
      exclusively(async (index) => {
        const isStill = (id: Snowflake) =>
          ticket === undefined || ![id, `row:${id}`, "owner:"].some((key) => changedSince(key, ticket.at));
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
        ids.forEach(note);
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
    exclusively,
    async idle() {
      while (working !== undefined) await working;
    },
  };
}

const notOwned = () => new NotOwnedError("this process does not own the server's index at the moment");
