// What a backfill will cost, before it is begun: counted by the server itself on a sample of the guild's own messages.

import { expect, test } from "vitest";
import { closeAfterTest, startBackscroll, textOf, until } from "../support/backscroll.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";

test("analyze tells the tokens that the server counted in a sample, and their price", async () => {
  const server = await startEmbeddingServer();
  closeAfterTest(() => server.close());
  const bot = await startBackscroll({ embeddings: { baseUrl: server.url, dollarsPerMillion: 10_000 } });
  const { ada, admin, adminChannel } = bot;
  // While the server is away messages are stored, and are to be embedded later.
  server.misbehave({ status: 503 }, { when: (texts) => texts.some((text) => text.includes("violins")) });
  for (let n = 10; n < 40; n += 1) bot.say(ada.id, `message number ${n} about violins`);
  const status = () => bot.backscroll.status(bot.guild.id);
  await until("all wait", async () => (await status()).livePending === 30);
  const shown = textOf(await bot.type(admin.id, "backfill analyze", {}, adminChannel.id));
  const [, tokens = "", dollars = ""] =
    /Tokens: about ([\d,]+), by what the model's server counted in a sample, about \$([\d.]+)/.exec(shown) ?? [];
  // The stand-in counts four characters as one token; a text is the message with its author's name.
  expect(Number(tokens)).toBeGreaterThan(30 * (28 / 4));
  expect(Number(tokens)).toBeLessThan(30 * (60 / 4));
  expect(Number(dollars)).toBeCloseTo(Number(tokens) / 100, 0);
});

test("before anything of a server is stored, the price is estimated from the number of its messages", async () => {
  const server = await startEmbeddingServer();
  closeAfterTest(() => server.close());
  const bot = await startBackscroll({ embeddings: { baseUrl: server.url, dollarsPerMillion: 100 } });
  const { ada, admin, adminChannel, general, world } = bot;
  world.loadMessages(
    Array.from({ length: 1_000 }, (_, n) => ({
      id: world.state.idAt(Date.now() - 90 * 86_400_000 + n * 60_000),
      channelId: general.id,
      authorId: ada.id,
      content: `message number ${n} about violins`,
    })),
  );
  const shown = textOf(await bot.type(admin.id, "backfill analyze", {}, adminChannel.id));
  expect(shown).toMatch(
    /Discord counts about \*\*1,00\d messages\*\*.*\nTokens: about [\d,]+, estimated by length, about \$\d\.\d\d\./,
  );
});
