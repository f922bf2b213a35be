// Pairs each guild's index with its one writer, and with the former generations that are still there.

import { TransientError, toError } from "../../errors.ts";
import { getOrTry } from "../../maps.ts";
import type { Embedder, EmbeddingSpace } from "../../ports/embedder.ts";
import type { Generation, GenerationChange, Generations } from "../../ports/generations.ts";
import type { Logger } from "../../ports/logger.ts";
import type { FormerIndex, IndexStore, VectorIndex } from "../../ports/vector-index.ts";
import type { Snowflake } from "../../snowflake.ts";
import { formatFingerprint, type TextRecipe, textRecipe } from "../text/prepare.ts";
import { changeUnderWay, type PresentGeneration } from "./generations.ts";
import { createGuildGenerations, type GuildGenerationsParts } from "./guild-generations.ts";
import { createIndexPool, type IndexPool } from "./index-pool.ts";
import type { Ownership } from "./ownership.ts";
import { createIndexWriter, type IndexWriter } from "./writer.ts";

/** One that is searched. */
export interface SearchedIndex {
  readonly generation: Generation;
  readonly index: FormerIndex;
}

export interface GuildIndex {
  /** Of the present settings: what is written to. */
  readonly index: VectorIndex;
  readonly writer: IndexWriter;
  /** How the texts of its rows are made; part of its fingerprint. */
  readonly recipe: TextRecipe;
  /** What a search reads: it takes each record from the first that holds it. */
  readonly searched: readonly SearchedIndex[];
}

export interface GuildIndexes extends Pick<IndexPool, "onChange"> {
  /** What the present settings make. The fingerprint is that of the tables. */
  readonly space: EmbeddingSpace;
  /** Always the same of a guild. @throws UserError when what is on disk cannot be used */
  open(guildId: Snowflake): Promise<GuildIndex>;
  /** Tables open at the moment: few, however many guilds there are. */
  readonly openTables: number;
  generations(guildId: Snowflake): Promise<Generations>;
  /** What is being changed from what; undefined when one generation has all. */
  changeOf(guildId: Snowflake): Promise<GenerationChange | undefined>;
  /**
   * Changes a guild's generations; searches and writes see it from then on.
   * @throws NotOwnedError
   */
  changeGenerations(guildId: Snowflake, change: (generations: Generations) => Generations): Promise<Generations>;
  /** Whether a generation's table is there, and can be read. */
  has(guildId: Snowflake, fingerprint: string): Promise<boolean>;
  /** Deletes a guild's rows for good, or one generation's. */
  drop(guildId: Snowflake, fingerprint?: string): Promise<void>;
  close(): Promise<void>;
}

export interface GuildIndexesParts extends Omit<GuildGenerationsParts, "present" | "tables" | "store" | "ownership"> {
  readonly store: IndexStore;
  readonly generationStore: GuildGenerationsParts["store"];
  readonly embedder: Pick<Embedder, "space" | "settings">;
  readonly ownership: Ownership;
  /** See `CommitGuard`. */
  onOvertaken(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** See `newestInArchive`. */
  newestArchived(guildId: Snowflake): Promise<Snowflake>;
  readonly recipe?: TextRecipe | undefined;
  readonly logger: Logger;
}

/** A guild's index, with the generations as they were last seen. */
interface Opened extends GuildIndex {
  formers: readonly FormerIndex[];
  searched: readonly SearchedIndex[];
}

export function createGuildIndexes(parts: GuildIndexesParts): GuildIndexes {
  const { store, embedder, ownership, recipe = textRecipe } = parts;
  const present: PresentGeneration = {
    fingerprint: `${embedder.space.fingerprint}-${formatFingerprint(recipe, store.columns)}`,
    space: embedder.space,
    embedder: embedder.settings ?? { kind: "unknown" },
  };
  const generations = createGuildGenerations({
    store: parts.generationStore,
    present,
    tables: store.fingerprints,
    lastFilled: parts.lastFilled,
    ownership,
    clock: parts.clock,
  });
  const tables = createIndexPool(async (guildId, space) => {
    if (space.fingerprint === present.fingerprint) return await store.open(guildId, space);
    const former = await store.openExisting(guildId, space);
    if (former === undefined) throw new Error("it has been deleted");
    return former;
  });
  const opened = new Map<Snowflake, Promise<Opened>>();
  /** Under which lease an index has seen what was written before it. */
  const seenUnder = new Map<Snowflake, number>();

  const hasSeen = (guildId: Snowflake) => {
    const token = ownership.lease(guildId)?.token;
    return token !== undefined && seenUnder.get(guildId) === token;
  };

  const openTable = (guildId: Snowflake, { space, fingerprint }: Pick<Generation, "space" | "fingerprint">) =>
    tables.open(guildId, { ...space, fingerprint });

  async function openOnce(guildId: Snowflake): Promise<Opened> {
    // Known, and stored by the owner, before a table is made: one without a record would look like an earlier version's.
    const known = await generations.of(guildId);
    const index = await openTable(guildId, present);
    const guard = {
      mayCommit: () => ownership.mayCommit(guildId) && hasSeen(guildId),
      isOwner: () => hasSeen(guildId),
      onOvertaken: (ids: readonly Snowflake[]) => parts.onOvertaken(guildId, ids),
      newestArchived: () => parts.newestArchived(guildId),
    };
    const writer = createIndexWriter(index, guard, () => guild.formers);
    const guild: Opened = { index, writer, recipe, formers: [], searched: [] };
    await show(guildId, guild, known);
    return guild;
  }

  /** Former generations are opened, or closed, as they are known now. */
  async function show(guildId: Snowflake, guild: Opened, { list }: Generations): Promise<void> {
    const found = await Promise.all(
      list.map(async (generation) => {
        if (generation.fingerprint === present.fingerprint) return { generation, index: guild.index };
        const known = guild.searched.find((each) => each.generation.fingerprint === generation.fingerprint);
        const index = known?.index ?? (await openFormer(guildId, generation));
        return index === undefined ? [] : { generation, index };
      }),
    );
    const all = found.flat();
    guild.formers = all.map(({ index }) => index).filter((index) => index !== guild.index);
    guild.searched = all.filter(({ generation }) => generation.status !== "retired");
  }

  /** @returns undefined when it is gone, or damaged: the present one does not depend on it */
  async function openFormer(guildId: Snowflake, generation: Generation): Promise<FormerIndex | undefined> {
    try {
      return await openTable(guildId, generation);
    } catch (thrown) {
      if (thrown instanceof TransientError) throw thrown;
      const { fingerprint } = generation;
      parts.logger.warn("generation:absent", { guildId, fingerprint, reason: toError(thrown).message });
      return undefined;
    }
  }

  const openedOnce = (guildId: Snowflake) => getOrTry(opened, guildId, () => openOnce(guildId));

  /** Another process writes, or has written: who owns a guild looks once, who does not looks each time. */
  async function look(guildId: Snowflake, guild: Opened): Promise<void> {
    const token = ownership.lease(guildId)?.token;
    await show(guildId, guild, await generations.of(guildId));
    for (const index of [guild.index, ...guild.formers]) await index.refresh();
    if (token !== undefined && seenUnder.get(guildId) !== token) {
      guild.writer.takenOver();
      seenUnder.set(guildId, token);
    }
  }

  return {
    space: { ...embedder.space, fingerprint: present.fingerprint },
    onChange: tables.onChange,
    get openTables() {
      return tables.size;
    },
    async open(guildId) {
      const guild = await openedOnce(guildId);
      if (!hasSeen(guildId)) await look(guildId, guild);
      return guild;
    },
    generations: generations.of,
    changeOf: async (guildId) => changeUnderWay(await generations.of(guildId), present.fingerprint),
    async changeGenerations(guildId, change) {
      const changed = await generations.change(guildId, change);
      const guild = await opened.get(guildId);
      if (guild !== undefined) await show(guildId, guild, changed);
      return changed;
    },
    async has(guildId, fingerprint) {
      const guild = await openedOnce(guildId);
      return [guild.index, ...guild.formers].some(({ space }) => space.fingerprint === fingerprint);
    },
    async drop(guildId, fingerprint) {
      const guild = await opened.get(guildId);
      await guild?.writer.idle();
      if (fingerprint === undefined) {
        opened.delete(guildId);
        await guild?.index.close();
      }
      for (const former of guild?.formers ?? []) {
        if (fingerprint === undefined || former.space.fingerprint === fingerprint) await former.close();
      }
      await store.drop(guildId, fingerprint);
    },
    async close() {
      for (const opening of opened.values()) await (await opening).writer.idle();
      opened.clear();
      await tables.close();
    },
  };
}
