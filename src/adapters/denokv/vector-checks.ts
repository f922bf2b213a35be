// What is known of an embedder's vectors, on Deno KV: a key for each batch, not for each record, which would cost a backfill a tenth of
// its speed.

import { randomUUID } from "node:crypto";
import type { KvMutation } from "@deno/kv";
import type { Logger } from "../../ports/logger.ts";
import type { UnconfirmedBatch, VectorCheckStore } from "../../ports/vector-checks.ts";
import { slices } from "../../slices.ts";
import type { Snowflake } from "../../snowflake.ts";
import { canarySchema, unconfirmedSchema, validated } from "./codec.ts";
import { canaryKey, guildKey, idOf } from "./keys.ts";
import type { Store } from "./store.ts";

/** An id takes some 22 bytes, a value holds 65,536. */
const IDS_PER_BATCH = 2_000;

const keyOf = ({ guildId, serial }: Pick<UnconfirmedBatch, "guildId" | "serial">) =>
  guildKey("unconfirmed", guildId, BigInt(serial));

export function createVectorCheckStore(store: Store, logger: Logger): VectorCheckStore {
  return {
    async loadCanary(fingerprint) {
      // One that is damaged is learnt anew.
      return validated(canarySchema, await store.get(canaryKey(fingerprint)), logger, "canary:damaged");
    },

    async saveCanary(fingerprint, { vector, unrelated }) {
      await store.commit([{ type: "set", key: canaryKey(fingerprint), value: { vector, unrelated } }]);
    },

    async add(guildId, kind, ids) {
      const batches = slices(ids, IDS_PER_BATCH).map((some) => {
        return { guildId, serial: newSerial(), kind, ids: some, isRejected: false };
      });
      await store.commitGroups(batches.map((batch) => [write(batch)]));
      return batches;
    },

    async list(guildId) {
      return (await store.list({ prefix: guildKey("unconfirmed", guildId) })).flatMap((entry) => {
        const batch = validated(unconfirmedSchema, entry, logger, "unconfirmed:damaged");
        return batch === undefined ? [] : [{ guildId, serial: idOf(entry.key), ...batch }];
      });
    },

    async reject(batches) {
      await store.commitGroups(batches.map((batch) => [write({ ...batch, isRejected: true })]));
    },

    async release(batches) {
      await store.commitGroups(batches.map((batch) => [{ type: "delete", key: keyOf(batch) }]));
    },
  };
}

function write(batch: UnconfirmedBatch): KvMutation {
  const { kind, ids, isRejected } = batch;
  return { type: "set", key: keyOf(batch), value: { kind, ids, isRejected } };
}

function newSerial(): Snowflake {
  return BigInt(`0x${randomUUID().replaceAll("-", "").slice(0, 16)}`).toString();
}
