// A guild's generations on Deno KV: one value, so that they change together.

import type { GenerationStore, Generations } from "../../ports/generations.ts";
import type { Logger } from "../../ports/logger.ts";
import { generationsSchema, Undecodable, whyInvalid } from "./codec.ts";
import { guildKey } from "./keys.ts";
import type { createOwners } from "./owners.ts";
import type { Store } from "./store.ts";

export function createGenerationStore(
  store: Store,
  owners: Pick<ReturnType<typeof createOwners>, "check">,
  logger: Logger,
): GenerationStore {
  return {
    async loadGenerations(guildId) {
      const key = guildKey("generations", guildId);
      const { value, versionstamp } = await store.get(key);
      if (versionstamp === null) return undefined;
      const parsed = generationsSchema.safeParse(value);
      if (parsed.success && !(value instanceof Undecodable)) return { value: parsed.data, stamp: versionstamp };
      logger.error("generations:damaged", { guildId, reason: whyInvalid(value, parsed.error) });
      // Out of the way, so that what the tables tell can be stored.
      await store.commit([{ type: "delete", key }], [{ key, versionstamp }]);
      return undefined;
    },

    async saveGenerations(guildId, generations, expected, lease) {
      const owner = await owners.check(lease);
      if (owner === "lost") return "lease-lost";
      const key = guildKey("generations", guildId);
      const value: Generations = generationsSchema.parse(generations);
      const stamp = await store.commit([{ type: "set", key, value }], [{ key, versionstamp: expected ?? null }, owner]);
      if (stamp !== undefined) return { value, stamp };
      return (await owners.check(lease)) === "lost" ? "lease-lost" : "changed";
    },
  };
}
