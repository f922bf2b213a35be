// Whether an index has all that it can have: then whatever was searched beside it is not needed any more.

import { ALL_IDS, type Snowflake } from "../../snowflake.ts";
import { type Sources, walk } from "./difference.ts";

const PAGE = 2_000;
/** So many that lack may only be on their way. */
const MOST_UNDER_WAY = 1_000;
/** An index into which little goes because the embedder refuses it takes nobody's place. */
const COVERAGE = 0.95;

/** True when every record that has something to embed is embedded, is being embedded by live indexing, or, of a few, was refused. */
export async function isWhole(sources: Sources, guildId: Snowflake, stop: AbortSignal): Promise<boolean> {
  const lacking: Snowflake[] = [];
  let [embedded, refused] = [0, 0];
  for (const kind of ["message", "note"] as const) {
    for await (const page of walk(sources, guildId, { kind, ...ALL_IDS }, PAGE)) {
      stop.throwIfAborted();
      for (const { stored, state } of page.records) {
        if (state === "embedded") embedded += 1;
        else if (state === "quarantined") refused += 1;
        else if (state !== "skipped") lacking.push(stored.record.id);
      }
      if (lacking.length > MOST_UNDER_WAY) return false;
    }
  }
  if (refused > 0 && embedded / (embedded + refused) < COVERAGE) return false;
  if (lacking.length === 0) return true;
  const underWay = new Set((await sources.archive.pending(guildId, 10_000)).map(({ id }) => id));
  return lacking.every((id) => underWay.has(id));
}
