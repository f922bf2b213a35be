// Where archive and index are kept, as settings say it.

import type { ObjectStore } from "../adapters/lancedb/object-store.ts";

/** Where nothing else is set. */
export const INDEX_CACHE_MB = 1024;

/** The archive on a remote Deno KV: any server that speaks KV Connect. */
export interface ArchiveServer {
  readonly url: string;
  readonly accessToken: string;
}

/** The index in an S3-compatible object store. */
export interface IndexBucket extends ObjectStore {
  /** What is read of it is kept in the data folder, up to so much. Default 1024; 0: nothing is. */
  readonly cacheMegabytes?: number | undefined;
}

/** Where archive and index are kept. */
export interface StoresConfig {
  readonly dataDir: string;
  /** Undefined: a file in the data folder. */
  readonly archive?: ArchiveServer | undefined;
  /** Undefined: a folder in the data folder. */
  readonly index?: IndexBucket | undefined;
}
