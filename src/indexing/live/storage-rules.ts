// What admins decide about what is stored of their server: channels and bots that are left out, for how long messages are kept, and that a
// member's words go. Each decision, its line in the record and the beginning of what follows from it are one commit; the removing is
// done by removals.ts, the fetching by sync/refetch.ts.

import type { Archive, Exclusion } from "../../ports/archive.ts";
import type { Deed } from "../../ports/deeds.ts";
import type { RulesInForce, StorageRules } from "../../ports/storage-rules.ts";
import { compareSnowflakes, type Snowflake, snowflakeAt } from "../../snowflake.ts";

const DAY_MS = 24 * 3_600_000;
/** They name admins, and members whose words were removed. */
const DEEDS_KEPT_MS = 365 * DAY_MS;

export function createStorageRules(parts: {
  readonly archive: Pick<
    Archive,
    "addDeed" | "exclude" | "exclusions" | "forgetDeeds" | "include" | "refetches" | "unfinishedRemovals"
  >;
  /** What is about to be deleted because it cannot be read any more. */
  expiring(guildId: Snowflake): Promise<RulesInForce["expiring"]>;
  /** Says that there is a removal to be done. */
  onRemoval(guildId: Snowflake): void;
  /** Says that something is stored again that was not. */
  onIncluded(guildId: Snowflake): void;
  /** What time it is, by Discord's clock where it is known. Milliseconds since 1970. */
  now(): number;
}): StorageRules {
  const { archive, onRemoval, onIncluded, now } = parts;

  async function exclude(guildId: Snowflake, exclusion: Exclusion, deed?: Omit<Deed, "at">): Promise<void> {
    await archive.exclude(guildId, exclusion, deed && { at: now(), ...deed });
    onRemoval(guildId);
  }

  async function include(guildId: Snowflake, exclusion: Exclusion, deed: Omit<Deed, "at">): Promise<boolean> {
    const isTakenBack = await archive.include(guildId, exclusion, now(), { at: now(), ...deed });
    if (isTakenBack) onIncluded(guildId);
    return isTakenBack;
  }

  const bound = (days: number) => snowflakeAt(now() - days * DAY_MS);
  const ageOf = (all: readonly Exclusion[]) => all.find((each) => each.by === "age");

  return {
    async of(guildId) {
      const [all, expiring, removals, refetches] = await Promise.all([
        archive.exclusions(guildId),
        parts.expiring(guildId),
        archive.unfinishedRemovals(guildId),
        archive.refetches(guildId),
      ]);
      return {
        channelIds: all.flatMap((each) => (each.by === "channel" ? [each.id] : [])),
        areBotsLeftOut: all.some(({ by }) => by === "bots"),
        keepDays: ageOf(all)?.days,
        expiring,
        isRemoving: removals.length > 0,
        isFetching: refetches.length > 0,
      };
    },

    leaveOutChannel: (guildId, id, by) =>
      exclude(guildId, { by: "channel", id }, { by, what: "channel-excluded", targetId: id }),

    takeInChannel: (guildId, id, by) =>
      include(guildId, { by: "channel", id }, { by, what: "channel-included", targetId: id }),

    async storeBots(guildId, areStored, by) {
      if (areStored) return await include(guildId, { by: "bots" }, { by, what: "bots-included" });
      if ((await archive.exclusions(guildId)).some((each) => each.by === "bots")) return false;
      await exclude(guildId, { by: "bots" }, { by, what: "bots-excluded" });
      return true;
    },

    async keepFor(guildId, days, by) {
      const age = ageOf(await archive.exclusions(guildId));
      const deed = { by, what: "retention-set", ...(days !== undefined && { detail: String(days) }) } as const;
      if (days === undefined) {
        if (!(await include(guildId, age ?? { by: "age", beforeId: "0" }, deed)))
          await archive.addDeed(guildId, { at: now(), ...deed });
        return;
      }
      const beforeId = bound(days);
      await exclude(guildId, { by: "age", beforeId, days }, deed);
      if (age !== undefined && compareSnowflakes(beforeId, age.beforeId) < 0) onIncluded(guildId);
    },

    async removeMember(guildId, id, beforeId, by) {
      const own = (await archive.exclusions(guildId)).find((each) => each.by === "author" && each.id === id);
      const isOptedOut = own?.by === "author" && own.beforeId === undefined;
      // Who has opted out stays so.
      const exclusion: Exclusion = { by: "author", id, ...(!isOptedOut && { beforeId }) };
      await exclude(guildId, exclusion, { by, what: "member-removed", targetId: id });
    },

    async moveOn(guildId) {
      await archive.forgetDeeds(guildId, now() - DEEDS_KEPT_MS);
      const age = ageOf(await archive.exclusions(guildId));
      if (age?.days === undefined) return;
      const beforeId = bound(age.days);
      if (compareSnowflakes(beforeId, age.beforeId) > 0) await exclude(guildId, { ...age, beforeId });
    },
  };
}
