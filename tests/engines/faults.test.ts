// What remote engines do to a backfill and to live indexing: killed and hung in the middle of it, set up wrongly, late.

import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openArchiveOf, openStores } from "../../src/app/stores.ts";
import { totals } from "../../src/backfill/run/run.ts";
import { TransientError, UserError } from "../../src/errors.ts";
import type { Logger } from "../../src/ports/logger.ts";
import { channel, GUILD, history, hoursAgo, message, openSetup, type Setup, until } from "../support/engine.ts";
import { startHoldingProxy } from "./holding-proxy.ts";
import { describeEngines } from "./present.ts";
import { type RemoteEngines, startRemoteEngines } from "./remote.ts";

const RECORDS = 400;
/** A hung engine is given up after 10 to 30 s, a few calls after each other. */
const PATIENCE_MS = 120_000;
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

describeEngines("remote engines at fault", () => {
  let engines: RemoteEngines;
  beforeEach(async () => {
    engines = await startRemoteEngines();
  });
  afterEach(() => engines.close());

  test.each([
    ["killed", "kv"],
    ["killed", "objects"],
    ["hung", "kv"],
    ["hung", "objects"],
  ] as const)(
    "%s in the middle of a run (%s): it waits, says so once, and goes on by itself, with every message once",
    async (fault, name) => {
      const setup = await openSetup({ stores: engines.stores(), textsPerRequest: 20 });
      try {
        await setup.archive.save(GUILD, history(RECORDS), { pending: false });
        await setup.start({ pace: "gentle" });
        await until(async () => (await (await setup.indexes.open(GUILD)).index.count()) > 0, "the first rows");
        const engine = engines[name];
        if (fault === "killed") await engine.kill();
        else engine.hang();
        await until(() => told(setup).includes("raised storage-down"), "the alert", PATIENCE_MS);
        const { run, waitingFor } = await setup.engine.status(GUILD);
        expect(run).toMatchObject({
          status: "waiting",
          reason: { kind: expect.stringMatching(/^left$|^error$/) },
        });
        expect(waitingFor).toEqual({ kind: "storage" });
        if (fault === "killed") await engine.start();
        else engine.wake();
        const ended = await setup.impatiently(() => setup.settled(PATIENCE_MS));
        expect(ended.status).toBe("succeeded");
        expect(totals(ended)).toMatchObject({ read: RECORDS, embedded: RECORDS, quarantined: 0, remaining: 0 });
        const rows = [...(await setup.rows()).keys()];
        expect(rows.length).toBe(RECORDS);
        expect(rows.filter((key) => key.endsWith("duplicate"))).toEqual([]);
        await until(() => told(setup).includes("resolved storage-down"), "its end", PATIENCE_MS);
        expect(told(setup)).toEqual(["raised storage-down", "resolved storage-down"]);
      } finally {
        await setup.close();
      }
    },
    3 * PATIENCE_MS,
  );

  test("everything that is set up wrongly is told at once: an access token and a bucket", async () => {
    const { archive, index, dataDir } = engines.stores();
    const wrong = {
      dataDir,
      archive: { url: archive?.url ?? "", accessToken: "not the right one" },
      index: { ...engines.index, uri: "s3://no-such-bucket/index" },
    };
    void index;
    const opening = openStores(wrong, silent);
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(/refuses the access token.*\n.*no bucket called no-such-bucket/s);
    const keys = openStores({ ...engines.stores(), index: { ...engines.index, secretKey: "wrong" } }, silent);
    await expect(keys).rejects.toThrow(/does not accept the secret key/);
    await Promise.all([engines.kv.kill(), engines.objects.kill()]);
    await expect(openStores(engines.stores(), silent)).rejects.toThrow(
      /archive .* cannot be reached.*\n.*object store .* cannot be reached/s,
    );
  });

  test("an object store that overwrites what it was told to create is refused", async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(200).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    try {
      const endpoint = `http://127.0.0.1:${address.port}`;
      const opening = openStores({ ...engines.stores(), index: { ...engines.index, endpoint } }, silent);
      await expect(opening).rejects.toThrow(/cannot hold an index: it overwrites an object.*If-None-Match/s);
    } finally {
      server.close();
    }
  });

  test("a commit that was given up and arrives late undoes nothing that was written since", async () => {
    const proxy = await startHoldingProxy(engines.archive.url);
    const stores = { ...engines.stores(), archive: { ...engines.archive, url: proxy.url } };
    const opened = await openStores(stores, silent);
    try {
      const id = hoursAgo(1);
      const save = (content: string) => opened.archive.save(GUILD, [message(id, content)], { pending: true });
      await save("first");
      proxy.holdNext("atomic_write");
      await expect(save("held up on its way")).rejects.toThrow(TransientError);
      await save("written since");
      expect(await proxy.deliver()).toBe(200);
      const read = await opened.archive.get(GUILD, "message", [id]);
      expect(read.get(id)?.record.content).toBe("written since");
      // And it goes on after that.
      await save("and then");
      expect((await opened.archive.get(GUILD, "message", [id])).get(id)?.record.content).toBe("and then");
    } finally {
      await opened.close();
      await proxy.close();
    }
  }, 60_000);

  test("a commit that landed though its answer was lost can be made again", async () => {
    const proxy = await startHoldingProxy(engines.archive.url);
    const opened = await openArchiveOf(
      { ...engines.stores(), archive: { ...engines.archive, url: proxy.url } },
      silent,
    );
    try {
      const record = message(hoursAgo(1), "once");
      proxy.loseNextAnswer("atomic_write");
      await expect(opened.archive.save(GUILD, [record], { pending: true })).rejects.toThrow(TransientError);
      expect(await opened.archive.save(GUILD, [record], { pending: true })).toMatchObject({ created: 0, same: 1 });
      expect(await opened.archive.pending(GUILD, 10)).toHaveLength(1);
      const { owners } = opened;
      const runs = opened.runStore((value) => value as { id: string; step: number });
      const first = await runs.save(GUILD, { id: "r", step: 1 }, undefined);
      if (typeof first === "string") throw new Error(first);
      proxy.loseNextAnswer("atomic_write");
      await expect(runs.save(GUILD, { id: "r", step: 2 }, first.stamp)).rejects.toThrow(TransientError);
      proxy.loseNextAnswer("atomic_write");
      await expect(owners.start("me", 0, 15_000)).rejects.toThrow(TransientError);
      const me = await owners.start("me", 0, 15_000);
      proxy.loseNextAnswer("atomic_write");
      await expect(owners.take(me, [GUILD], 0)).rejects.toThrow(TransientError);
      expect(await owners.take(me, [GUILD], 1)).toMatchObject({ taken: [{ token: 1 }], held: [] });
      proxy.loseNextAnswer("atomic_write");
      await expect(owners.beat(me, 2, 15_000)).rejects.toThrow(TransientError);
      expect(await owners.beat(me, 3, 15_000)).toMatchObject({ id: me.id, expiresAt: 15_003 });
      // Whoever tries to save again is told that it has changed, and finds his own work.
      expect(await runs.save(GUILD, { id: "r", step: 2 }, first.stamp)).toBe("changed");
      expect((await runs.load(GUILD))?.value.step).toBe(2);
    } finally {
      await opened.close();
      await proxy.close();
    }
  });

  test("messages written while the archive is out of reach are tried again by whoever heard them", async () => {
    const setup = await openSetup({ stores: engines.stores() });
    try {
      await engines.kv.kill();
      const written = message(hoursAgo(0.1), "written while it was away");
      await expect(setup.live.messageSaved(GUILD, written, channel("10"))).rejects.toThrow(TransientError);
      await engines.kv.start();
      await setup.live.messageSaved(GUILD, written, channel("10"));
      await setup.impatiently(() =>
        until(async () => (await setup.matching("away")).length > 0, "it is found", PATIENCE_MS),
      );
    } finally {
      await setup.close();
    }
  }, 60_000);
});

const told = ({ posts }: Setup) =>
  posts.flatMap((post) =>
    post.kind === "alert-raised" || post.kind === "alert-resolved"
      ? [`${post.kind.slice("alert-".length)} ${post.alert.name}`]
      : [],
  );
