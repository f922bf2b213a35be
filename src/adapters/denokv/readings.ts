// Who knows better when Discord's answer and an event about the same record meet: whatever was stored after Discord was asked wins
// over the answer. Remembered only while answers are awaited; changes of one guild's records take turns, so that none slips between.

import { getOrMake } from "../../maps.ts";
import type { Reading, RemovalScope } from "../../ports/archive.ts";
import type { ArchivedRecord, RecordKind } from "../../ports/records.ts";
import type { Snowflake } from "../../snowflake.ts";

interface GuildChanges {
  clock: number;
  turn: Promise<unknown>;
  readonly open: Map<Reading, number>;
  /** When each record or scope was last changed, or, by an answer, when that was asked for. */
  readonly changedAt: Map<string, number>;
}

export interface Readings {
  open(guildId: Snowflake): Reading;
  /** Changes of one guild's records happen one after the other. */
  inTurn<Result>(guildId: Snowflake, change: () => Promise<Result>): Promise<Result>;
  /** To be called before the change. @param asOf the change is what Discord answered to this reading */
  noteIds(guildId: Snowflake, kind: RecordKind, ids: readonly Snowflake[], asOf?: Reading): void;
  noteScope(guildId: Snowflake, scope: RemovalScope): void;
  /** True when the record, or a scope it is in, has been changed by somebody who knew better than this reading. */
  isOutdated(
    guildId: Snowflake,
    record: Pick<ArchivedRecord, "kind" | "id"> & Partial<ArchivedRecord>,
    asOf: Reading,
  ): boolean;
}

export function createReadings(): Readings {
  const guilds = new Map<Snowflake, GuildChanges>();

  function of(guildId: Snowflake): GuildChanges {
    return getOrMake(guilds, guildId, () => ({
      clock: 0,
      turn: Promise.resolve(),
      open: new Map(),
      changedAt: new Map(),
    }));
  }

  function note(guild: GuildChanges, keys: readonly string[], at: number) {
    if (guild.open.size === 0) return;
    for (const key of keys) guild.changedAt.set(key, Math.max(at, guild.changedAt.get(key) ?? 0));
  }

  return {
    open(guildId) {
      const guild = of(guildId);
      const reading: Reading = {
        release() {
          guild.open.delete(reading);
          if (guild.open.size === 0) guild.changedAt.clear();
        },
      };
      guild.clock += 1;
      guild.open.set(reading, guild.clock);
      return reading;
    },
    inTurn(guildId, change) {
      const guild = of(guildId);
      const done = guild.turn.then(change);
      guild.turn = done.catch(() => undefined);
      return done;
    },
    noteIds(guildId, kind, ids, asOf) {
      const guild = of(guildId);
      const askedAt = asOf && guild.open.get(asOf);
      if (askedAt === undefined) guild.clock += 1;
      note(
        guild,
        ids.map((id) => `${kind}:${id}`),
        askedAt ?? guild.clock,
      );
    },
    noteScope(guildId, scope) {
      const guild = of(guildId);
      guild.clock += 1;
      // The others are told by ids, and have exclusions, which are asked in any case.
      if (scope.by === "age" || scope.by === "bots") return;
      note(guild, [scope.by === "guild" ? "guild" : `${scope.by}:${scope.id}`], guild.clock);
    },
    isOutdated(guildId, { kind, id, channelId, accessChannelId, authorId }, asOf) {
      const { open, changedAt } = of(guildId);
      const askedAt = open.get(asOf);
      if (askedAt === undefined) throw new Error("this reading has been released");
      const subjects = [
        `${kind}:${id}`,
        `channel:${channelId}`,
        `channel:${accessChannelId}`,
        `author:${authorId}`,
        "guild",
      ];
      return subjects.some((subject) => (changedAt.get(subject) ?? 0) > askedAt);
    },
  };
}
