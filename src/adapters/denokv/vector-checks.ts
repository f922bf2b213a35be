// What is known of an embedder's vectors, on Deno KV: a key for each batch, not for each record, which would cost a backfill a tenth of
// its speed.

import { randomUUID } from "node:crypto";
import type { KvMutation } from "@deno/kv";
import type { Logger } from "../../ports/logger.ts";
import type { UnconfirmedBatch, VectorCheckStore } from "../../ports/vector-checks.ts";
import type { Snowflake } from "../../snowflake.ts";
import { canarySchema, unconfirmedSchema, whyInvalid } from "./codec.ts";
import { canaryKey, guildKey, idOf } from "./keys.ts";
import type { Store } from "./store.ts";

/** An id takes some 22 bytes, a value holds 65,536. */
const IDS_PER_BATCH = 2_000;

const keyOf = ({ guildId, serial }: Pick<UnconfirmedBatch, "guildId" | "serial">) =>
  guildKey("unconfirmed", guildId, BigInt(serial));

export function createVectorCheckStore(store: Store, logger: Logger): VectorCheckStore {
  return {
    async loadCanary(fingerprint) {
      const { value, versionstamp } = await store.get(canaryKey(fingerprint));
      if (versionstamp === null) return undefined;
      const read = canarySchema.safeParse(value);
      if (read.success) return read.data;
      // It is learnt anew.
      logger.warn("canary:damaged", { fingerprint, reason: whyInvalid(value, read.error) });
      return undefined;
    },

    async saveCanary(fingerprint, { vector, unrelated }) {
      await store.commit([{ type: "set", key: canaryKey(fingerprint), value: { vector, unrelated } }]);
    },

    async add(guildId, kind, ids) {
      const batches: UnconfirmedBatch[] = [];
      for (let at = 0; at < ids.length; at += IDS_PER_BATCH) {
        const some = ids.slice(at, at + IDS_PER_BATCH);
        batches.push({ guildId, serial: newSerial(), kind, ids: some, isRejected: false });
      }
      await store.commitGroups(batches.map((batch) => [write(batch)]));
      return batches;
    },

    async list(guildId) {
      return (await store.list({ prefix: guildKey("unconfirmed", guildId) })).flatMap(({ key, value }) => {
        const read = unconfirmedSchema.safeParse(value);
        if (read.success) return [{ guildId, serial: idOf(key), ...read.data }];
        logger.warn("unconfirmed:damaged", { guildId, reason: whyInvalid(value, read.error) });
        return [];
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
