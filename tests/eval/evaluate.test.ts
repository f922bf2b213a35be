// The evaluation itself on a set small enough to know the answer: real archive, engine, index, model and search.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { evaluate } from "../../bench/eval/configurations.ts";
import { type EvaluatedGuild, openGuild } from "../../bench/eval/guild.ts";
import type { JudgedSet } from "../../bench/eval/judged-set.ts";
import { averages, setTable } from "../../bench/eval/report.ts";
import { createBuiltinEmbedder } from "../../src/adapters/builtin-model/index.ts";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import { recordingLogger, testId, testMessage } from "../support/archive.ts";

const MODEL = fileURLToPath(new URL("../../models/backscroll-static", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

let guild: EvaluatedGuild | undefined;
let embedder: Embedder | undefined;
afterEach(async () => {
  await guild?.close();
  await embedder?.close();
  guild = undefined;
  embedder = undefined;
});

/** The answer shares no word with the question asked, but follows a message that does. */
const set: JudgedSet = {
  name: "tiny",
  title: "Tiny",
  channels: [{ id: "100", name: "workshop", type: "text", accessChannelId: "100" }],
  records: [
    testMessage(1, { content: "Which solder melts at the lowest temperature?" }),
    testMessage(2, { content: "Bismuth, at 138 degrees.", authorName: "Bo" }),
    testMessage(3, { content: "The bicycle shop opens at nine." }),
    testMessage(4, { content: "Lunch?", authorName: "Cy" }),
  ],
  queries: [
    { text: "solder melting temperature", relevant: new Set([testId(1), testId(2)]), accessChannelIds: ["100"] },
    { text: "what did Cy ask", relevant: new Set([testId(4)]), accessChannelIds: ["100"] },
    { text: "solder", relevant: new Set([testId(1)]), accessChannelIds: ["999"] },
  ],
  unanswerable: 0,
};

test("measures every way on the whole path, and shows what context and author are worth", async () => {
  const { logger, complaints } = recordingLogger();
  const wordModel = await loadStaticModel(MODEL);
  embedder = await createBuiltinEmbedder({ model: wordModel, workers: 1 });
  guild = await openGuild(set, { embedder, wordModel, logger });
  const result = await evaluate(set, guild, { embedder, wordModel, ingredients: true }, () => {});

  expect(complaints).toEqual([]);
  expect(result).toMatchObject({ name: "tiny", messages: 4, queries: 3 });
  // Bare full text finds one of two, nothing, and nothing that the asker may not see.
  expect(result.bare.recall10).toBeCloseTo(0.5 / 3, 10);
  expect(result.fullText.recall10).toBeCloseTo(2 / 3, 10);
  expect(result.hybrid.recall10).toBeCloseTo(2 / 3, 10);
  expect(Object.keys(result.without)).toEqual(["author", "context"]);
  expect(result.without.context?.fullText.recall10).toBeCloseTo(1.5 / 3, 10);
  expect(result.hybrid.p95Ms).toBeGreaterThan(0);
  expect(setTable(result)).toMatch(/Tiny: 4 messages, 3 queries; .*\n +nDCG@10 +recall@10/);
  expect(averages([result, result])).toContain("Average of 2 sets");
});

test("the command without a file prints how it is called and exits with 2", () => {
  const { status, stderr } = spawnSync(process.execPath, ["bench/eval.ts"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^Name a judged set.*\n\nUsage: npm run eval -- PATH… /);
});
