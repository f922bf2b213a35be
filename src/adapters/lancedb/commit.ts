// LanceDB lets several change a table at once and refuses the commit that does not fit what was committed in between: an edit
// during an optimize, or two processes that make the same table. The one that was refused starts over, and so does one whose version
// upkeep drops meanwhile.

import type { Table } from "@lancedb/lancedb";
import { toError } from "../../errors.ts";
import { isConflict, isGone } from "./faults.ts";

const MAX_ATTEMPTS = 8;

/**
 * @param table what is changed, unless it is only being made
 * @param attempt one change; run anew, on the newest version, when another commit got in between
 */
export async function commit<T>(table: Table | undefined, attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toError(thrown);
      if (attempts === MAX_ATTEMPTS || !(isConflict(error) || isGone(error))) throw thrown;
      await table?.checkoutLatest();
    }
  }
}
