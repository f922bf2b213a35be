// Pairs each guild's index with its one writer.

import type { EmbeddingSpace } from "../../ports/embedder.ts";
import type { IndexStore, VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import { recipeFingerprint, type TextRecipe, textRecipe } from "../text/prepare.ts";
import { createIndexPool, type IndexPool } from "./index-pool.ts";
import type { Ownership } from "./ownership.ts";
import { createIndexWriter, type IndexWriter } from "./writer.ts";

export interface GuildIndex {
  readonly index: VectorIndex;
  readonly writer: IndexWriter;
  /** How the texts of its rows are made; part of its fingerprint. */
  readonly recipe: TextRecipe;
}

export interface GuildIndexes extends Pick<IndexPool, "onChange"> {
  readonly space: EmbeddingSpace;
  /** Always the same of a guild. @throws UserError when what is on disk cannot be used */
  open(guildId: Snowflake): Promise<GuildIndex>;
  /** Tables open at the moment: few, however many guilds there are. */
  readonly openTables: number;
  /** Deletes a guild's rows for good. */
  drop(guildId: Snowflake): Promise<void>;
  /** Rows that other models left for this guild. */
  otherModelRows(guildId: Snowflake): Promise<number>;
  close(): Promise<void>;
}

/**
 * @param space of the embedder; the way texts are prepared is added to its fingerprint here
 * @param onOvertaken see `CommitGuard`
 */
export function createGuildIndexes(
  store: IndexStore,
  space: EmbeddingSpace,
  ownership: Ownership,
  onOvertaken: (guildId: Snowflake, ids: readonly Snowflake[]) => Promise<void>,
  recipe: TextRecipe = textRecipe,
): GuildIndexes {
  const ours: EmbeddingSpace = { ...space, fingerprint: `${space.fingerprint}-${recipeFingerprint(recipe)}` };
  const tables = createIndexPool((guildId) => store.open(guildId, ours));
  const opened = new Map<Snowflake, Promise<GuildIndex>>();
  /** Under which lease an index has seen what was written before it. */
  const seenUnder = new Map<Snowflake, number>();

  const hasSeen = (guildId: Snowflake) => {
    const token = ownership.lease(guildId)?.token;
    return token !== undefined && seenUnder.get(guildId) === token;
  };

  async function openOnce(guildId: Snowflake): Promise<GuildIndex> {
    const index = await tables.open(guildId);
    const writer = createIndexWriter(index, {
      mayCommit: () => ownership.mayCommit(guildId) && hasSeen(guildId),
      isOwner: () => hasSeen(guildId),
      onOvertaken: (ids) => onOvertaken(guildId, ids),
    });
    return { index, writer, recipe };
  }

  async function openedOnce(guildId: Snowflake): Promise<GuildIndex> {
    const existing = opened.get(guildId);
    if (existing !== undefined) return existing;
    const opening = openOnce(guildId);
    opened.set(guildId, opening);
    try {
      return await opening;
    } catch (thrown) {
      opened.delete(guildId);
      throw thrown;
    }
  }

  return {
    space: ours,
    onChange: tables.onChange,
    get openTables() {
      return tables.size;
    },
    async open(guildId) {
      const guild = await openedOnce(guildId);
      if (hasSeen(guildId)) return guild;
      const token = ownership.lease(guildId)?.token;
      // Another process writes, or has written: who owns a guild looks once, who does not looks each time.
      await guild.index.refresh();
      if (token !== undefined && seenUnder.get(guildId) !== token) {
        guild.writer.takenOver();
        seenUnder.set(guildId, token);
      }
      return guild;
    },
    async drop(guildId) {
      const open = await opened.get(guildId);
      await open?.writer.idle();
      opened.delete(guildId);
      await open?.index.close();
      await store.drop(guildId);
    },
    async otherModelRows(guildId) {
      const spaces = await store.spaces(guildId);
      return spaces
        .filter(({ fingerprint }) => fingerprint !== ours.fingerprint)
        .reduce((sum, { rows }) => sum + rows, 0);
    },
    async close() {
      for (const opening of opened.values()) await (await opening).writer.idle();
      opened.clear();
      await tables.close();
    },
  };
}
