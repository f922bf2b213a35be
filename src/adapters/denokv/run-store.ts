// Runs on Deno KV. Every change is compare-and-set by versionstamp; who owns a guild is in owners.ts.

import { toError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RunStore } from "../../ports/runs.ts";
import { guildKey } from "./keys.ts";
import type { createOwners } from "./owners.ts";
import { quarantineWrite } from "./quarantine.ts";
import type { Store } from "./store.ts";

/** So many entries fit one commit beside the run. */
const QUARANTINE_PER_SAVE = 500;
/** @param parse validates a stored value as a run; throws when it is none */
export function createRunStore<Run extends { readonly id: string }>(
  store: Store,
  owners: Pick<ReturnType<typeof createOwners>, "check">,
  parse: (value: unknown) => Run,
  logger: Logger,
): RunStore<Run> {
  function parsed(value: unknown): { readonly run: Run } | { readonly reason: string } {
    try {
      return { run: parse(value) };
    } catch (thrown) {
      return { reason: toError(thrown).message };
    }
  }

  return {
    async load(guildId) {
      const key = guildKey("run", guildId);
      const { value, versionstamp } = await store.get(key);
      if (versionstamp === null) return undefined;
      const read = parsed(value);
      if ("run" in read) return { value: read.run, stamp: versionstamp };
      // Put aside, so that a new run can start and nobody's evidence is lost.
      logger.error("run:damaged", { guildId, reason: read.reason });
      await store.commit(
        [
          { type: "set", key: guildKey("run-damaged", guildId), value },
          { type: "delete", key },
        ],
        [{ key, versionstamp }],
      );
      return undefined;
    },

    async save(guildId, run, expected, { lease, quarantine = [] } = {}) {
      if (quarantine.length > QUARANTINE_PER_SAVE) {
        throw new RangeError(
          `at most ${QUARANTINE_PER_SAVE} quarantine entries with one save, not ${quarantine.length}`,
        );
      }
      const owner = lease === undefined ? undefined : await owners.check(lease);
      if (owner === "lost") return "lease-lost";
      const key = guildKey("run", guildId);
      const checks = [{ key, versionstamp: expected ?? null }];
      if (owner !== undefined) checks.push(owner);
      const stamp = await store.commit(
        [{ type: "set", key, value: run }, ...quarantine.map((entry) => quarantineWrite(guildId, entry))],
        checks,
      );
      if (stamp !== undefined) return { value: run, stamp };
      const lost = lease !== undefined && (await owners.check(lease)) === "lost";
      return lost ? "lease-lost" : "changed";
    },
  };
}
