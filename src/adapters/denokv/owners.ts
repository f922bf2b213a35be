// Who owns a guild. A guild's `owner` names a heartbeat and changes only with it, so that a save can be guarded by its versionstamp;
// a `presence` says until when its process is there. One that is deleted never comes back: who is named by it owns nothing.

import { randomUUID } from "node:crypto";
import type { AtomicCheck } from "@deno/kv";
import { z } from "zod";
import type { Heartbeat, Lease, OwnerStore } from "../../ports/owners.ts";
import { slices } from "../../slices.ts";
import type { Snowflake } from "../../snowflake.ts";
import { guildKey, heartbeatKey } from "./keys.ts";
import { CHECKS_PER_COMMIT, type Store } from "./store.ts";

/** `presenceId`, as a heartbeat's id was called first, is absent after a release. The token survives, so that it never repeats. */
const ownerSchema = z.object({ presenceId: z.string().exactOptional(), token: z.int() });
const heartbeatSchema = z.object({ holder: z.string(), expiresAt: z.number() });

const COMMITS_AT_ONCE = 4;

interface Owner {
  readonly guildId: Snowflake;
  readonly heartbeatId: string | undefined;
  readonly token: number;
  readonly check: AtomicCheck;
}

export function createOwners(store: Store): {
  readonly port: OwnerStore;
  /** A check that holds as long as the lease is its guild's, or "lost". */
  check(lease: Lease): Promise<AtomicCheck | "lost">;
} {
  async function read(guildIds: readonly Snowflake[]): Promise<Owner[]> {
    const entries = await store.getMany(guildIds.map((guildId) => guildKey("owner", guildId)));
    return entries.map(({ key, value, versionstamp }, place) => {
      const { presenceId: heartbeatId, token = 0 } = ownerSchema.safeParse(value).data ?? {};
      return { guildId: guildIds[place] ?? "", heartbeatId, token, check: { key, versionstamp } };
    });
  }

  /** Those of the heartbeats that are there at `now`. The others are ended. */
  async function livingAmong(ids: ReadonlySet<string>, now: number): Promise<Map<string, Heartbeat>> {
    const living = new Map<string, Heartbeat>();
    for (let open = [...ids]; open.length > 0; ) {
      const entries = await store.getMany(open.map(heartbeatKey));
      const prolonged: string[] = [];
      for (const [place, { key, value, versionstamp }] of entries.entries()) {
        const [id, stored] = [open[place], heartbeatSchema.safeParse(value).data];
        if (id === undefined || versionstamp === null) continue;
        if (stored !== undefined && stored.expiresAt > now) living.set(id, { id, ...stored });
        else if ((await store.commit([{ type: "delete", key }], [{ key, versionstamp }])) === undefined)
          prolonged.push(id);
      }
      open = prolonged;
    }
    return living;
  }

  /** @returns whether all of them were as they had been read, and are taken */
  async function takeFree(heartbeatId: string, owners: readonly Owner[]): Promise<boolean> {
    const stamp = await store.commit(
      owners.map(({ check, token }) => ({
        type: "set",
        key: check.key,
        value: { presenceId: heartbeatId, token: token + 1 },
      })),
      owners.map(({ check }) => check),
    );
    return stamp !== undefined;
  }

  return {
    port: {
      async start(holder, now, durationMs) {
        const heartbeat = { id: randomUUID(), holder, expiresAt: now + durationMs };
        await store.commit([{ type: "set", key: heartbeatKey(heartbeat.id), value: stored(heartbeat) }]);
        return heartbeat;
      },

      async beat(heartbeat, now, durationMs) {
        const prolonged = { ...heartbeat, expiresAt: now + durationMs };
        for (;;) {
          const { key, versionstamp } = await store.get(heartbeatKey(heartbeat.id));
          if (versionstamp === null) return undefined;
          const mutation = { type: "set", key, value: stored(prolonged) } as const;
          if ((await store.commit([mutation], [{ key, versionstamp }])) !== undefined) return prolonged;
        }
      },

      async end({ id }) {
        await store.commit([{ type: "delete", key: heartbeatKey(id) }]);
      },

      async endSilent({ id, expiresAt }) {
        const { key, value, versionstamp } = await store.get(heartbeatKey(id));
        if (versionstamp === null || heartbeatSchema.safeParse(value).data?.expiresAt !== expiresAt) return;
        await store.commit([{ type: "delete", key }], [{ key, versionstamp }]);
      },

      async take(heartbeat, guildIds, now) {
        const taken: Lease[] = [];
        const held: { readonly guildId: Snowflake; readonly by: Heartbeat }[] = [];
        for (let open = [...guildIds]; open.length > 0; ) {
          const owners = await read(open);
          open = [];
          const named = new Set(owners.flatMap(({ heartbeatId }) => heartbeatId ?? []));
          named.delete(heartbeat.id);
          const living = await livingAmong(named, now);
          const free: Owner[] = [];
          for (const owner of owners) {
            const { guildId, heartbeatId = "", token } = owner;
            const by = living.get(heartbeatId);
            if (heartbeatId === heartbeat.id) taken.push({ guildId, heartbeatId, token });
            else if (by === undefined) free.push(owner);
            else held.push({ guildId, by });
          }
          const groups = slices(free, CHECKS_PER_COMMIT);
          for (const some of slices(groups, COMMITS_AT_ONCE)) {
            const outcomes = await Promise.all(some.map((group) => takeFree(heartbeat.id, group)));
            for (const [place, group] of some.entries()) {
              for (const { guildId, token } of group) {
                if (outcomes[place] === true) taken.push({ guildId, heartbeatId: heartbeat.id, token: token + 1 });
                else open.push(guildId);
              }
            }
          }
        }
        return { taken, held };
      },

      async ownerOf(guildId) {
        const [owner] = await read([guildId]);
        const id = owner?.heartbeatId;
        if (id === undefined) return undefined;
        const heartbeat = heartbeatSchema.safeParse((await store.get(heartbeatKey(id))).value).data;
        return heartbeat && { id, ...heartbeat };
      },

      async release(lease) {
        for (;;) {
          const [owner] = await read([lease.guildId]);
          if (owner === undefined || !isOf(owner, lease)) return;
          const { check, token } = owner;
          if ((await store.commit([{ type: "set", key: check.key, value: { token } }], [check])) !== undefined) return;
        }
      },
    },

    async check(lease) {
      const [[owner], heartbeat] = await Promise.all([
        read([lease.guildId]),
        store.get(heartbeatKey(lease.heartbeatId)),
      ]);
      if (owner === undefined || heartbeat.versionstamp === null) return "lost";
      return isOf(owner, lease) ? owner.check : "lost";
    },
  };
}

const stored = ({ holder, expiresAt }: Heartbeat) => ({ holder, expiresAt });

const isOf = (owner: Owner, lease: Lease) => owner.heartbeatId === lease.heartbeatId && owner.token === lease.token;
