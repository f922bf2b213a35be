// Who owns a guild. Two keys: `lease-owner` changes only when the owner does, so that a save can be guarded by its versionstamp;
// `lease-heartbeat` says until when and changes with each renewal.

import { randomUUID } from "node:crypto";
import type { AtomicCheck } from "@deno/kv";
import { z } from "zod";
import type { Lease, RunStore } from "../../ports.ts";
import type { Snowflake } from "../../snowflake.ts";
import { guildKey } from "./keys.ts";
import type { Store } from "./store.ts";

/** `holder` is absent after a release. The token survives, so that it never repeats. `attempt` tells who tried to become this. */
const ownerSchema = z.object({
  holder: z.string().exactOptional(),
  token: z.int(),
  attempt: z.string().exactOptional(),
});
const heartbeatSchema = z.object({ token: z.int(), expiresAt: z.number() });

export function createLeases(store: Store): {
  readonly port: Pick<RunStore<unknown>, "acquireLease" | "renewLease" | "releaseLease">;
  /** A check that holds as long as the lease is its guild's, or "lost". */
  ownership(lease: Lease): Promise<AtomicCheck | "lost">;
} {
  /** Attempts that failed, as far as anyone could see, and may have succeeded all the same. */
  const inDoubt = new Map<Snowflake, string>();

  async function read(guildId: Snowflake) {
    const keys = [guildKey("lease-owner", guildId), guildKey("lease-heartbeat", guildId)] as const;
    const [owner, heartbeat] = await store.getMany(keys);
    if (owner === undefined || heartbeat === undefined) throw new Error("the store answered with too few entries");
    return {
      checks: [owner, heartbeat].map(({ key, versionstamp }) => ({ key, versionstamp })),
      ownerCheck: { key: owner.key, versionstamp: owner.versionstamp },
      owner: ownerSchema.safeParse(owner.value).data,
      heartbeat: heartbeatSchema.safeParse(heartbeat.value).data,
      ownerKey: owner.key,
      heartbeatKey: heartbeat.key,
    };
  }
  type State = Awaited<ReturnType<typeof read>>;

  // By token: a holder of the same name may be this process's predecessor.
  const isOurs = ({ owner }: State, lease: Lease) => owner?.token === lease.token && owner.holder === lease.holder;

  return {
    port: {
      async acquireLease(guildId, holder, now, durationMs) {
        for (;;) {
          const { owner, heartbeat, ownerKey, heartbeatKey, checks } = await read(guildId);
          if (owner?.holder !== undefined && heartbeat?.token === owner.token && heartbeat.expiresAt > now) {
            const { token } = owner;
            if (owner.attempt !== undefined && owner.attempt === inDoubt.get(guildId)) {
              inDoubt.delete(guildId);
              return { lease: { guildId, holder, token, expiresAt: heartbeat.expiresAt } };
            }
            return { heldBy: { guildId, holder: owner.holder, token, expiresAt: heartbeat.expiresAt } };
          }
          const token = Math.max(owner?.token ?? 0, heartbeat?.token ?? 0) + 1;
          const expiresAt = now + durationMs;
          const attempt = randomUUID();
          inDoubt.set(guildId, attempt);
          const stamp = await store.commit(
            [
              { type: "set", key: ownerKey, value: { holder, token, attempt } },
              { type: "set", key: heartbeatKey, value: { token, expiresAt } },
            ],
            checks,
          );
          inDoubt.delete(guildId);
          if (stamp !== undefined) return { lease: { guildId, holder, token, expiresAt } };
        }
      },

      async renewLease(lease, now, durationMs) {
        for (;;) {
          const state = await read(lease.guildId);
          if (!isOurs(state, lease)) return undefined;
          const expiresAt = now + durationMs;
          const value = { token: lease.token, expiresAt };
          const stamp = await store.commit([{ type: "set", key: state.heartbeatKey, value }], state.checks);
          if (stamp !== undefined) return { ...lease, expiresAt };
        }
      },

      async releaseLease(lease) {
        for (;;) {
          const state = await read(lease.guildId);
          if (!isOurs(state, lease)) return;
          const stamp = await store.commit(
            [
              { type: "set", key: state.ownerKey, value: { token: lease.token } },
              { type: "delete", key: state.heartbeatKey },
            ],
            [state.ownerCheck],
          );
          if (stamp !== undefined) return;
        }
      },
    },

    async ownership(lease) {
      const state = await read(lease.guildId);
      return isOurs(state, lease) ? state.ownerCheck : "lost";
    },
  };
}
