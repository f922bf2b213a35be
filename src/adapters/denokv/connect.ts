// A connection to a Deno KV: a local SQLite file, or a remote one over KV Connect.

import { mkdir, open as openFile } from "node:fs/promises";
import { dirname } from "node:path";
import { openKv } from "@deno/kv";
import { toError } from "../../errors.ts";
import { committing, fenced, waitingForTurn } from "./commits.ts";
import { readingNatively, readingThroughLibrary } from "./reads.ts";
import { createStore, type Store } from "./store.ts";

/** A remote KV that does not answer within this is out of reach. The library would wait for five minutes, and longer. */
const ANSWER_WITHIN_MS = 10_000;

export interface ArchiveLocation {
  /** A file (made, with its folder, if it does not exist), or a KV Connect URL. */
  readonly location: string;
  /** For a URL. */
  readonly accessToken?: string;
  /** For a URL: how long one request may take. */
  readonly answerWithinMs?: number;
}

/** How values become bytes. */
export interface Codec {
  encodeV8(value: unknown): Uint8Array;
  decodeV8(bytes: Uint8Array): unknown;
}

export const isRemote = (location: string) => /^https?:\/\//i.test(location);

/** @throws whatever the library throws */
export async function connect(
  { location, accessToken, answerWithinMs = ANSWER_WITHIN_MS }: ArchiveLocation,
  { encodeV8, decodeV8 }: Codec,
): Promise<Store> {
  const isAway = isRemote(location);
  if (!isAway) await prepareFile(location);
  const kv = await openKv(location, {
    encodeV8,
    decodeV8,
    ...(isAway ? { ...remoteOptions(answerWithinMs), accessToken: accessToken ?? "" } : { implementation: "sqlite" }),
  });
  return isAway
    ? createStore(kv, location, readingThroughLibrary(kv), fenced(kv))
    : createStore(
        kv,
        location,
        readingNatively(kv, decodeV8) ?? readingThroughLibrary(kv),
        waitingForTurn(committing(kv)),
      );
}

/** Every request has an end, and is not repeated here: whoever asked knows better when to try again. */
function remoteOptions(answerWithinMs: number) {
  const fetcher: typeof fetch = (address, request) =>
    fetch(address, { ...request, signal: AbortSignal.timeout(answerWithinMs) });
  return { implementation: "remote", maxRetries: 0, fetcher } as const;
}

/** Makes a folder and those above it. (`recursive` of Node never returns where a parent exists but nothing can be made: /proc.) */
export async function makeFolder(path: string): Promise<void> {
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
