// The cache before an object store, on a port of its own and without a thread of its own.

import { type BlockCache, openBlockCache } from "../../src/adapters/lancedb/object-cache/blocks.ts";
import { createCachedObjects } from "../../src/adapters/lancedb/object-cache/cached-objects.ts";
import { createCachingServer } from "../../src/adapters/lancedb/object-cache/server.ts";
import { createUpstream } from "../../src/adapters/lancedb/object-cache/upstream.ts";
import { closeAfterTest } from "./backscroll.ts";
import { listenForTest } from "./listen.ts";

export interface TestCachingServer {
  readonly blocks: BlockCache;
  readonly address: string;
  /** @param range as the header has it. @throws with status and words of any answer but a good one */
  get(path: string, range?: string): Promise<Buffer>;
}

/** @param endpoint of the store */
export async function openCachingServer(folder: string, endpoint: string, maxBytes = 1e9): Promise<TestCachingServer> {
  const upstream = createUpstream({ uri: "s3://bucket/index", accessKey: "key", secretKey: "secret", endpoint });
  closeAfterTest(async () => upstream.close());
  const blocks = openBlockCache(folder, { maxBytes, keepMs: 3_600_000 });
  const server = createCachingServer(upstream, createCachedObjects(upstream, blocks), "secret");
  const address = `${await listenForTest(server)}/secret`;
  return {
    blocks,
    address,
    async get(path, range) {
      const answer = await fetch(`${address}${path}`, range === undefined ? {} : { headers: { range } });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      return Buffer.from(await answer.arrayBuffer());
    },
  };
}
