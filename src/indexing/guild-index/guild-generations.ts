// Keeps each guild's generations in the archive: reads them under the present settings, and changes them by compare-and-set. Only who owns
// a guild stores anything; others see what it would be. What a change means is in generations.ts.

import type { Clock } from "../../ports/clock.ts";
import type { GenerationStore, Generations } from "../../ports/generations.ts";
import type { Snowflake } from "../../snowflake.ts";
import { arrange, type PresentGeneration } from "./generations.ts";
import type { Ownership } from "./ownership.ts";
import { NotOwnedError } from "./writer.ts";

export interface GuildGenerations {
  /** As they are now. The owner's are stored, before anything is made of them. */
  of(guildId: Snowflake): Promise<Generations>;
  /**
   * @param change the same object: nothing. May be called again with newer ones.
   * @throws NotOwnedError
   */
  change(guildId: Snowflake, change: (generations: Generations) => Generations): Promise<Generations>;
}

export interface GuildGenerationsParts {
  readonly store: GenerationStore;
  readonly present: PresentGeneration;
  /** Fingerprints of a guild's tables. */
  readonly tables: (guildId: Snowflake) => Promise<readonly string[]>;
  /** The fingerprint of a guild's latest run, if there was any. */
  readonly lastFilled: (guildId: Snowflake) => Promise<string | undefined>;
  readonly ownership: Pick<Ownership, "lease">;
  readonly clock: Pick<Clock, "now">;
}

export function createGuildGenerations(parts: GuildGenerationsParts): GuildGenerations {
  const { store, present, ownership, clock } = parts;

  async function load(guildId: Snowflake) {
    const stored = await store.loadGenerations(guildId);
    const isFirst = stored?.value.list[0]?.fingerprint === present.fingerprint;
    // Listing tables costs more than all the rest, and only tells something new when the settings have changed.
    const tables = isFirst ? [] : await parts.tables(guildId);
    const lastFilled = stored === undefined && tables.length > 0 ? await parts.lastFilled(guildId) : undefined;
    return { stored, arranged: arrange(stored?.value, tables, present, lastFilled, clock.now()) };
  }

  async function change(
    guildId: Snowflake,
    by: (generations: Generations) => Generations,
    mustOwn = true,
  ): Promise<Generations> {
    for (;;) {
      const { stored, arranged } = await load(guildId);
      const next = by(arranged);
      if (next === stored?.value) return next;
      const lease = ownership.lease(guildId);
      const saved = lease && (await store.saveGenerations(guildId, next, stored?.stamp, lease));
      if (saved === undefined || saved === "lease-lost") {
        if (!mustOwn) return next;
        throw new NotOwnedError("this process does not own the server's index at the moment");
      }
      if (saved !== "changed") return saved.value;
    }
  }

  return {
    of: (guildId) => change(guildId, (generations) => generations, false),
    change,
  };
}
