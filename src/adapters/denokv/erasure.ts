// Which guilds have deleted something, and the rewriting of the archive's file. SQLite leaves what was deleted in free places of its file
// and in its log: the library cannot be told to overwrite it, and a second SQLite in this process would break the first one's locks on
// the file. So another process rewrites it (VACUUM), and empties the log.

import { fork } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { z } from "zod";
import { TransientError } from "../../errors.ts";
import type { ErasureStore } from "../../ports/erasure.ts";
import { scriptBeside } from "../../script-beside.ts";
import { guildKey, idOf } from "./keys.ts";
import type { Store } from "./store.ts";

const SCRIPT = scriptBeside(import.meta.url, "compact-process");
const momentSchema = z.number();
const COMPACTED = ["compacted"];

/** @param file undefined: the archive is on another machine */
export function createErasureStore(store: Store, file: string | undefined): ErasureStore {
  return {
    async deletions() {
      const marks = await store.list({ prefix: ["deleted"] });
      const erased = await store.getMany(marks.map(({ key }) => guildKey("erased", idOf(key))));
      return marks.map(({ key, versionstamp }, place) => ({
        guildId: idOf(key),
        stamp: versionstamp,
        erasedAt: momentSchema.safeParse(erased[place]?.value).data,
      }));
    },

    async erased({ guildId, stamp }, at, isAll) {
      const key = guildKey("deleted", guildId);
      await store.commit([{ type: "set", key: guildKey("erased", guildId), value: at }]);
      if (isAll) await store.commit([{ type: "delete", key }], [{ key, versionstamp: stamp }]);
    },

    async compact(since, now) {
      if (file === undefined) return false;
      const before = momentSchema.safeParse((await store.get(COMPACTED)).value).data;
      if (before !== undefined && before > since && before <= now) return true;
      // First: what is written after the rewrite would make a log again.
      await store.commit([{ type: "set", key: COMPACTED, value: now }]);
      try {
        await store.quietly(() => rewrite(file));
      } catch (thrown) {
        await store.commit([{ type: "delete", key: COMPACTED }]);
        throw thrown;
      }
      return true;
    },
  };
}

/** Its temporary copy stays in the same folder, which may be an encrypted one. */
async function rewrite(file: string): Promise<void> {
  const worker = fork(SCRIPT, [file], {
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { SQLITE_TMPDIR: dirname(file) },
  });
  const ended = once(worker, "exit");
  let problem: string | undefined;
  worker.on("message", (said: { readonly error?: string }) => {
    problem = said.error;
  });
  const [code] = await ended;
  if (code !== 0) throw new TransientError(`the archive was not rewritten: ${problem ?? `exit code ${code}`}`);
}
