// The parts of history that need answers the stand-in does not give: a client that never logs in, its REST answered here.

import { Client, GatewayIntentBits } from "discord.js";
import { expect, test } from "vitest";
import { createDirectory } from "../../../src/adapters/discord/directory.ts";
import { createHistory } from "../../../src/adapters/discord/history.ts";
import { TransientError, UserError } from "../../../src/errors.ts";
import type { HistoryChannel } from "../../../src/ports/discord.ts";

const GENERAL: HistoryChannel = { id: "10", name: "general", type: "text", accessChannelId: "10" };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Messages 1 to `newest`, newest first as Discord gives them; those for which `isJoin` holds are announcements. */
function channelOf(newest: number, isJoin: (id: number) => boolean) {
  const all = Array.from({ length: newest }, (_, index) => newest - index);
  return (query: URLSearchParams) => {
    const before = Number(query.get("before") ?? Number.POSITIVE_INFINITY);
    const after = query.get("after");
    const page =
      after === null
        ? all.filter((id) => id < before).slice(0, 100)
        : all.filter((id) => id > Number(after)).slice(-100);
    return page.map((id) => ({
      id: String(id),
      channel_id: "10",
      type: isJoin(id) ? 7 : 0,
      content: `message ${id}`,
      author: { id: "7", username: "ada" },
      mentions: [],
      attachments: [],
      embeds: [],
    }));
  };
}

function historyWith(answer: (query: URLSearchParams, path: string) => unknown) {
  let requests = 0;
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    rest: {
      retries: 0,
      makeRequest: async (address) => {
        requests++;
        const url = new URL(address);
        const body = answer(url.searchParams, url.pathname);
        if (body instanceof Response) return body;
        return new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
      },
    },
  });
  client.rest.setToken("token");
  const history = createHistory(client, { directory: createDirectory(client, quiet), logger: quiet });
  return { history, requests: () => requests };
}

const refusal = (status: number, code: number) =>
  new Response(JSON.stringify({ code, message: "no" }), { status, headers: { "content-type": "application/json" } });

test("announcements are left out, and pages of nothing else are passed over in both directions", async () => {
  const { history } = historyWith(channelOf(500, (id) => id > 20 && id <= 480));
  const backwards = await history.messages(GENERAL, { before: "479" });
  expect(backwards.map((record) => record.id)).toEqual(Array.from({ length: 20 }, (_, index) => String(20 - index)));
  const forwards = await history.messages(GENERAL, { after: "21" });
  expect(forwards.map((record) => record.id)).toEqual(Array.from({ length: 20 }, (_, index) => String(481 + index)));
});

test("an answer has fewer than 100 messages only at the end of the channel, and none beyond it", async () => {
  const { history, requests } = historyWith(channelOf(350, (id) => id % 10 === 0));
  const first = await history.messages(GENERAL, { before: "351" });
  expect(first.map((record) => Number(record.id))).toEqual(
    Array.from({ length: 200 }, (_, index) => 350 - index).filter((id) => id % 10 !== 0),
  );
  expect(requests()).toBe(2);
  expect(await history.messages(GENERAL, { before: "151" })).toHaveLength(135);
  expect(await history.messages(GENERAL, { before: "51" })).toHaveLength(45);
  expect(await history.messages(GENERAL, { after: "320" })).toHaveLength(27);
  expect(await history.messages(GENERAL, { before: "1" })).toEqual([]);
  expect(await history.messages(GENERAL, { after: "350" })).toEqual([]);
});

test("no messages at all are believed only if Discord shows that it would tell: the permission may just have been lost", async () => {
  const closed = historyWith((_query, path) => (path.endsWith("/messages") ? [] : refusal(403, 50001)));
  await expect(closed.history.messages(GENERAL, { before: "100" })).rejects.toThrow(/not allowed to see the channel/);
  const failing = historyWith((_query, path) => (path.endsWith("/messages") ? [] : refusal(500, 0)));
  await expect(failing.history.messages(GENERAL, { before: "100" })).rejects.toBeInstanceOf(TransientError);
  const empty = historyWith((_query, path) => (path.endsWith("/messages") ? [] : refusal(404, 10008)));
  expect(await empty.history.messages(GENERAL, { before: "100" })).toEqual([]);
  expect(await empty.history.messages(GENERAL, { after: "100" })).toEqual([]);
  expect(empty.requests()).toBe(3);
});

test("requests are sent at most 40 a second, however many are wanted", async () => {
  const { history, requests } = historyWith(() => []);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 30 }, () => history.messages(GENERAL, { after: "100" })));
  expect(requests()).toBe(30);
  expect(performance.now() - startedAt).toBeGreaterThan(600);
});

test("a forum has no messages of its own and is not asked for any", async () => {
  const { history, requests } = historyWith(() => refusal(400, 50008));
  expect(await history.messages({ ...GENERAL, type: "forum" }, { before: "100" })).toEqual([]);
  expect(requests()).toBe(0);
});

test("a channel that cannot be read is refused with its reason, unasked", async () => {
  const { history, requests } = historyWith(() => []);
  const closed = { ...GENERAL, unreadable: "I lack View Channel there." };
  await expect(history.messages(closed, { before: "100" })).rejects.toThrow(
    new UserError("I cannot read <#10>: I lack View Channel there."),
  );
  expect(requests()).toBe(0);
});

test("what Discord refuses is a UserError that says why, and what it cannot answer now is a TransientError", async () => {
  const ask = (answer: () => unknown) => historyWith(answer).history.messages(GENERAL, { before: "100" });
  await expect(ask(() => refusal(403, 50001))).rejects.toThrow(/not allowed to see the channel/);
  await expect(ask(() => refusal(404, 10003))).rejects.toThrow(/no longer exists/);
  await expect(ask(() => refusal(403, 50001))).rejects.toBeInstanceOf(UserError);
  await expect(ask(() => refusal(503, 0))).rejects.toBeInstanceOf(TransientError);
  const cut = () => {
    throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  };
  await expect(ask(cut)).rejects.toBeInstanceOf(TransientError);
});

test("an abort ends a wait with the signal's own reason, so that it is not taken for the end of the channel", async () => {
  const controller = new AbortController();
  const reason = new Error("pausing");
  const { history } = historyWith(() => {
    controller.abort(reason);
    throw new DOMException("aborted", "AbortError");
  });
  await expect(history.messages(GENERAL, { before: "100" }, controller.signal)).rejects.toBe(reason);
});

test.each([
  [1 << 18, true],
  [1 << 19, true],
  [1 << 23, false],
])("application flags of %i make content readable: %s", async (flags, expected) => {
  const { history } = historyWith((_query, path) => (path.endsWith("/applications/@me") ? { id: "1", flags } : {}));
  expect(await history.canReadContent()).toBe(expected);
});
