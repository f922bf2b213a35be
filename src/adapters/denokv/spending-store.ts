// What was used of the embedding server on Deno KV: one value a month, to which each process adds.

import { z } from "zod";
import type { MonthlyUse, SpendingStore } from "../../ports/spending.ts";
import type { Store } from "./store.ts";

const useSchema = z.object({
  tokens: z.number().nonnegative(),
  dollars: z.number().nonnegative(),
  spentFor: z.string().exactOptional(),
});

const NOTHING: MonthlyUse = { tokens: 0, dollars: 0 };

export function createSpendingStore(store: Store): SpendingStore {
  async function read(month: string) {
    const { key, value, versionstamp } = await store.get(["spent", month]);
    return { check: { key, versionstamp }, use: useSchema.safeParse(value).data ?? NOTHING };
  }

  return {
    useIn: async (month) => (await read(month)).use,
    async addUse(month, { tokens, dollars, spentFor }) {
      for (;;) {
        const { check, use } = await read(month);
        const sum = {
          ...use,
          tokens: use.tokens + tokens,
          dollars: use.dollars + dollars,
          ...(spentFor === undefined ? {} : { spentFor }),
        };
        if ((await store.commit([{ type: "set", key: check.key, value: sum }], [check])) !== undefined) return sum;
      }
    },
  };
}
