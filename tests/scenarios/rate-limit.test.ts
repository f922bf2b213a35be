// A server that wants fewer requests: the backfill waits as long as it is asked to and says so, members' searches go on by meaning.

import { expect, test } from "vitest";
import { waitingForText } from "../../src/views/reasons.ts";
import { closeAfterTest, startBackscroll, textOf, until } from "../support/backscroll.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";

test("a rate limit of a day stops the backfill's requests, not a search's", async () => {
  const server = await startEmbeddingServer();
  closeAfterTest(() => server.close());
  const bot = await startBackscroll({ embeddings: { baseUrl: server.url } });
  const { ada, ben, admin, adminChannel, guild } = bot;
  const live = bot.say(ada.id, "the kettle whistles in the kitchen");
  await bot.untilFound(ben.id, "kettle", live);
  await bot.backscroll.stop();
  for (let n = 0; n < 30; n += 1) bot.say(ada.id, `old message number ${n} about violins`);
  await bot.attach();
  await bot.backscroll.idle();

  server.misbehave(
    { status: 429, headers: { "retry-after": "86400" } },
    { when: (texts) => texts.some((text) => text.includes("violins")) },
  );
  await bot.type(admin.id, "backfill start", { source: "discord" }, adminChannel.id);
  const status = () => bot.backscroll.status(guild.id);
  await until("it waits", async () => (await status()).run?.status === "waiting");
  const { waitingFor } = await status();
  expect(waitingFor && waitingForText(waitingFor)).toBe(
    "the search model, which wants fewer requests; next try in 24 h",
  );
  const shown = await bot.type(admin.id, "backfill status", {}, adminChannel.id);
  expect(textOf(shown)).toContain("asks for a pause of 24 hours");

  const { length } = server.requests;
  const answer = await bot.type(ben.id, "search", { query: "kettle" });
  expect(textOf(answer)).toContain("kettle");
  expect(textOf(answer)).not.toContain("Search by meaning is not available");
  expect(server.requests.length).toBe(length + 1);
});
