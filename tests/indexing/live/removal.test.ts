// What was deleted is not found any more, whatever the embedder is doing meanwhile: a removal needs no vector.

import { afterEach, beforeEach, expect, test } from "vitest";
import type { Snowflake } from "../../../src/snowflake.ts";
import { channel, GUILD, hoursAgo, message, openSetup, type Setup, until } from "../../support/engine.ts";

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ requestTimeoutMs: 60_000 });
  await hear(1, "a slip of the tongue");
  await hear(2, "never mind", "11");
  await hear(3, "an answer to the slip");
  await setup.live.idle();
  expect(await found()).toEqual([id(3), id(2), id(1)]);
});
afterEach(() => setup.close());

const id = (n: number): Snowflake => hoursAgo(10 - n);
const hear = (n: number, content: string, channelId = "10") =>
  setup.live.messageSaved(GUILD, message(id(n), content, { channelId }), channel(channelId));
const found = async () =>
  (await (await setup.indexes.open(GUILD)).index.rows([id(1), id(2), id(3)]))
    .map((row) => row.id)
    .sort()
    .reverse();

/** Live indexing has sent a request that nobody answers; the breaker knows nothing of it yet. */
async function hang(): Promise<void> {
  setup.server?.misbehave("hang");
  const { length = 0 } = setup.server?.requests ?? [];
  await hear(4, "what nobody answers");
  await until(() => (setup.server?.requests.length ?? 0) > length, "a request hangs");
  expect(setup.breaker.state()).toBeUndefined();
}

test("a message deleted while a request hangs is gone at once, its words from its neighbour's row too", async () => {
  expect((await setup.matching("tongue")).sort()).toEqual([id(1), id(3)].sort());
  await hang();
  await setup.live.messagesDeleted(GUILD, [id(1)]);
  expect(await found()).toEqual([id(3), id(2)]);
  expect(await setup.matching("tongue")).toEqual([]);
});

test("a channel deleted while a request hangs is gone at once", async () => {
  await hang();
  await setup.live.channelDeleted(GUILD, "11");
  expect(await found()).toEqual([id(3), id(1)]);
});

test("a deletion that a process left undone does not wait behind marks that need an embedder that is down", async () => {
  await setup.stop();
  const { folder, server } = setup;
  const before = await openSetup({ folder, ...(server && { server }), claim: false, holder: "before" });
  const waiting = Array.from({ length: 300 }, (_, n) => message(hoursAgo(20, n), `waiting ${n}`));
  await before.archive.save(GUILD, waiting, { pending: true });
  await before.archive.remove(GUILD, "message", [id(1)]);
  await before.stop();
  server?.misbehave("hang");
  setup = await openSetup({ folder, ...(server && { server }), requestTimeoutMs: 60_000 });
  await until(async () => (await found()).length === 2, "it is gone");
  expect(await found()).toEqual([id(3), id(2)]);
  expect(await setup.live.pending(GUILD)).toBeGreaterThan(300);
  await setup.stop();
  await server?.close();
});
