// What has changed lately, and which rows are therefore out of date: those made from a read of the archive before the change.

import type { IndexRow } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";

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

export interface Changes {
  /** @param at as of an earlier, still open ticket; default now */
  ticket(at?: number): Ticket;
  /** @param key an id (`row:` its rows), or a scope */
  note(key: string): void;
  since(key: string, at: number): boolean;
  /** Splits rows into what may still be written and what came too late. */
  sift(offered: { readonly rows: readonly IndexRow[]; readonly at: number; readonly fresh: boolean }): {
    rows: IndexRow[];
    outcome: WriteOutcome;
  };
  /** Rows are on their way: nothing is forgotten, ... */
  keep(): void;
  /** ... until none are any more, and then only what no open ticket is older than. */
  forget(): void;
}

export function createChanges(): Changes {
  const openTickets = new Set<Ticket>();
  /** When each key last changed, oldest change first; only as far back as the oldest open ticket. */
  const lastChange = new Map<string, number>();
  let clock = 0;
  let isKept = false;

  const since = (key: string, at: number) => (lastChange.get(key) ?? 0) > at;

  function prune() {
    if (isKept) return;
    const oldest = Math.min(...[...openTickets].map((ticket) => ticket.at));
    for (const [key, at] of lastChange) {
      if (at > oldest) break;
      lastChange.delete(key);
    }
  }

  return {
    ticket(at = clock) {
      const ticket: Ticket = {
        at,
        release() {
          openTickets.delete(ticket);
          prune();
        },
      };
      openTickets.add(ticket);
      return ticket;
    },
    note(key) {
      clock += 1;
      lastChange.delete(key);
      if (openTickets.size > 0 || isKept) lastChange.set(key, clock);
    },
    since,
    sift({ rows: offered, at, fresh }) {
      const superseded = new Set<Snowflake>();
      const contextChanged = new Set<Snowflake>();
      const rows = offered.filter((row) => {
        const gone =
          since(row.id, at) ||
          (fresh && since(`row:${row.id}`, at)) ||
          since(`channel:${row.channelId}`, at) ||
          since(`channel:${row.accessChannelId}`, at) ||
          since(`author:${row.authorId}`, at) ||
          since("guild:", at) ||
          since("owner:", at);
        if (gone) superseded.add(row.id);
        else if (row.contextId !== undefined && since(row.contextId, at)) contextChanged.add(row.id);
        return !gone && !contextChanged.has(row.id);
      });
      return { rows: rows.filter((row) => !contextChanged.has(row.id)), outcome: { superseded, contextChanged } };
    },
    keep() {
      isKept = true;
    },
    forget() {
      isKept = false;
      prune();
    },
  };
}
