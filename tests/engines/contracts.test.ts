// The contracts of archive, run store and index on the real engines: Deno KV over KV Connect, LanceDB on an S3-compatible store.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { openArchive } from "../../src/adapters/denokv/open.ts";
import { createIndexStore } from "../../src/adapters/lancedb/store.ts";
import { archiveContract } from "../contracts/archive.ts";
import { parseTestRun, runStoreContract } from "../contracts/run-store.ts";
import { vectorIndexContract } from "../contracts/vector-index.ts";
import { recordingLogger } from "../support/archive.ts";
import { describeEngines } from "./present.ts";
import { type RemoteEngines, startRemoteEngines } from "./remote.ts";

describeEngines("the remote engines", () => {
  let objects: RemoteEngines;
  beforeAll(async () => {
    objects = await startRemoteEngines();
  });
  afterAll(() => objects?.close());

  /** Each test has a server of its own: there is one database in each. */
  async function freshArchive() {
    const engines = await startRemoteEngines();
    const { url, accessToken } = engines.archive;
    const opened = await openArchive({ location: url, accessToken, logger: recordingLogger().logger });
    return {
      ...opened,
      async close() {
        await opened.close();
        await engines.close();
      },
    };
  }

  archiveContract("denokv", freshArchive);
  runStoreContract("denokv", async () => {
    const opened = await freshArchive();
    return { ...opened, store: opened.runStore(parseTestRun) };
  });
  vectorIndexContract("LanceDB on S3", async () => {
    const store = await createIndexStore({ ...objects.index, uri: `${objects.index.uri}/${randomUUID()}` });
    return { store, close: () => store.close() };
  });
  vectorIndexContract("LanceDB on S3, through the cache", async () => {
    const folder = await mkdtemp(join(tmpdir(), "backscroll-cache-"));
    const location = { ...objects.index, uri: `${objects.index.uri}/${randomUUID()}` };
    const onUnusable = (reason: string) => expect.fail(reason);
    const store = await createIndexStore(location, { cache: { folder, maxBytes: 1e9, keepMs: 3_600_000, onUnusable } });
    return {
      store,
      async close() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  });
});
