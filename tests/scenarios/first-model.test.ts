// Which model the bot settles on when the server's first answers cannot be relied on.

import { afterEach, beforeEach, expect, test } from "vitest";
import type { ServedModel } from "../../src/adapters/openai/index.ts";
import { agreedModel } from "../../src/app/agreed-model.ts";
import { TransientError } from "../../src/errors.ts";
import { startBackscroll } from "../support/backscroll.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";

const model = (dimensions: number): ServedModel => ({ modelId: "m", answersAs: "m", dimensions });
/** Answers one after the other. */
const answering = (...dimensions: number[]) => {
  const left = [...dimensions];
  return async () => model(left.shift() ?? 0);
};

test("a model is believed when two answers agree, of which an earlier one may be one", async () => {
  expect(await agreedModel(answering(8, 8), undefined)).toEqual(model(8));
  expect(await agreedModel(answering(8), model(8))).toEqual(model(8));
  // It was changed by intention.
  expect(await agreedModel(answering(16, 16), model(8))).toEqual(model(16));
  await expect(agreedModel(answering(8, 16), undefined)).rejects.toThrow(TransientError);
  await expect(agreedModel(answering(8, 16), model(32))).rejects.toThrow(/8 numbers.* 16 numbers/);
});

let server: EmbeddingServer;
beforeEach(async () => {
  server = await startEmbeddingServer({ dimensions: 16 });
});
afterEach(() => server.close());

const WRONG = { model: "test-embed", dimensions: 8 };

test("a server that contradicts itself at the start is asked until it does not", async () => {
  server.misbehave(WRONG, { times: 1 });
  const bot = await startBackscroll({ embeddings: { baseUrl: server.url, model: "test-embed" }, awaitReady: false });
  await bot.backscroll.ready;
  const id = bot.say(bot.ben.id, "the heron stands at the pond");
  await bot.untilFound(bot.ben.id, "heron", id);
  expect(bot.logged.some(({ event }) => event === "embedder:chosen-again")).toBe(false);
});

test("a model that was the wrong one at the start is given up as long as nothing is searchable, and then no more", async () => {
  const mend = server.misbehave(WRONG);
  const bot = await startBackscroll({ embeddings: { baseUrl: server.url, model: "test-embed" } });
  mend();
  const id = bot.say(bot.ben.id, "the heron stands at the pond");
  await bot.untilFound(bot.ben.id, "heron", id);
  const chosenAgain = () => bot.logged.filter(({ event }) => event === "embedder:chosen-again").length;
  expect(chosenAgain()).toBe(1);
  const asked = server.requests.length;
  server.misbehave(WRONG);
  bot.say(bot.ben.id, "another heron");
  await server.received(asked + 3);
  expect(chosenAgain()).toBe(1);
  expect(await bot.found(bot.ben.id, "heron")).toContain(id);
});
