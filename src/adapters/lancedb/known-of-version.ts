// What searches ask of a table again and again, remembered as long as the table stays the same: 2 ms a search before anything is found.

import type { Table } from "@lancedb/lancedb";
import { indexCoverage } from "./table-indexes.ts";

/** Filters whose rows are counted: about one for each group of members who can read the same. */
const MOST_FILTERS = 1_000;

/** Of one version of a table. */
export interface Known {
  coverage(): ReturnType<typeof indexCoverage>;
  /** Rows that a filter leaves. */
  count(where: string): Promise<number>;
}

/** @returns what is known of the version that a handle is at */
export function createKnown(table: Table): () => Promise<Known> {
  let version: number | undefined;
  let known = knownOf(table);
  return async () => {
    const present = await table.version();
    if (present !== version) {
      version = present;
      known = knownOf(table);
    }
    return known;
  };
}

function knownOf(table: Table): Known {
  const answers = new Map<string, Promise<unknown>>();

  function once<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const answered = answers.get(question) as Promise<T> | undefined;
    if (answered !== undefined) return answered;
    const asking = ask();
    if (answers.size >= MOST_FILTERS) answers.clear();
    answers.set(question, asking);
    asking.catch(() => answers.delete(question));
    return asking;
  }

  return {
    coverage: () => once("", () => indexCoverage(table)),
    count: (where) => once(where, () => table.countRows(where)),
  };
}
