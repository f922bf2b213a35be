// Opens the archive and the run store, on a local SQLite file or a remote KV. Both share one connection.

import { mkdir, open as openFile } from "node:fs/promises";
import { dirname } from "node:path";
import { openKv } from "@deno/kv";
import { z } from "zod";
import { toError, UserError } from "../../errors.ts";
import type { Archive, Logger, RunStore } from "../../ports.ts";
import { createArchive } from "./archive.ts";
import { decodeV8, encodeV8 } from "./codec.ts";
import { mapOpenErrors } from "./errors.ts";
import { formatKey } from "./keys.ts";
import { createRunStore } from "./run-store.ts";
import { createStore, type Store } from "./store.ts";

/** Of keys and values. A later version reads earlier ones or says what to do. */
const FORMAT = 1;
const formatSchema = z.object({ version: z.int() });

export interface OpenArchive {
  readonly archive: Archive;
  /** @param parse validates a stored value as a run; throws when it is none */
  runStore<Run extends { readonly id: string }>(parse: (value: unknown) => Run): RunStore<Run>;
  /** Nothing may be under way any more. */
  close(): Promise<void>;
}

/**
 * @param options.location a file (made, with its folder, if it does not exist), or a KV Connect URL
 * @param options.accessToken for a URL
 * @throws UserError when it cannot be opened or written, is damaged, locked, or was made by a later version
 */
export async function openArchive(options: {
  readonly location: string;
  readonly accessToken?: string;
  readonly logger: Logger;
}): Promise<OpenArchive> {
  const { location, accessToken, logger } = options;
  const remote = /^https?:\/\//i.test(location);
  const store = await mapOpenErrors(location, async () => {
    if (!remote) await prepareFile(location);
    const kv = await openKv(location, {
      encodeV8,
      decodeV8,
      implementation: remote ? "remote" : "sqlite",
      ...(remote && { accessToken: accessToken ?? "" }),
    });
    const opened = createStore(kv, location);
    try {
      await claimFormat(opened, location);
    } catch (thrown) {
      opened.close();
      throw thrown;
    }
    return opened;
  });
  return {
    archive: createArchive(store, logger),
    runStore: (parse) => createRunStore(store, parse, logger),
    async close() {
      store.close();
    },
  };
}

/** Makes a folder and those above it. (`recursive` of Node never returns where a parent exists but nothing can be made: /proc.) */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (thrown) {
    const { code }: NodeJS.ErrnoException = toError(thrown);
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(path) === path) throw thrown;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/** Makes the folder, and refuses a file that is no SQLite database before the library touches it. */
async function prepareFile(path: string): Promise<void> {
  await makeFolder(dirname(path));
  const file = await openFile(path, "a+");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(16), 0, 16, 0);
    if (bytesRead > 0 && !buffer.toString("latin1").startsWith("SQLite format 3\0")) {
      throw new Error("file is not a database");
    }
  } finally {
    await file.close();
  }
}

/** Writes the format's version: also the proof that the store can be written at all. */
async function claimFormat(store: Store, location: string): Promise<void> {
  const found = await store.get(formatKey);
  const version = found.versionstamp === null ? FORMAT : formatSchema.safeParse(found.value).data?.version;
  if (version !== FORMAT) {
    throw new UserError(
      `The archive ${location} was made by another version of Backscroll (its format is ${version ?? "unreadable"}, this one reads ${FORMAT}). Use that version, or another data folder.`,
    );
  }
  await store.commit([{ type: "set", key: formatKey, value: { version: FORMAT } }]);
}
