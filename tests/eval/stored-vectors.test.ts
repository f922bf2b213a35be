import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findSets } from "../../bench/eval/find-sets.ts";
import { storingVectors } from "../../bench/eval/stored-vectors.ts";
import type { Embedder } from "../../src/ports/embedder.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "backscroll-vectors-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Answers with the length of each text; `asked` is what it was asked for. */
function server() {
  const asked: string[] = [];
  const embedder: Embedder = {
    space: { modelId: "e5", dimensions: 2, fingerprint: "e5-2" },
    limits: { textsPerRequest: 8, tokensPerText: 512, tokensPerRequest: 4096, parallelRequests: 1 },
    async embed(texts, use) {
      asked.push(...texts.map((text) => `${use}: ${text}`));
      return texts.map((text) => Float32Array.of(text.length, use === "query" ? 1 : 0));
    },
    close: async () => {},
  };
  return { embedder, asked };
}

test("a server is asked for each text once, also by later evaluations", async () => {
  const first = server();
  const storing = await storingVectors(first.embedder, join(folder, "new"));
  const expected = [Float32Array.of(3, 0), Float32Array.of(4, 0), Float32Array.of(3, 0)];
  expect(await storing.embed(["one", "four", "one"], "document")).toEqual(expected);
  expect(await storing.embed(["one"], "query")).toEqual([Float32Array.of(3, 1)]);
  expect(first.asked).toEqual(["document: one", "document: four", "query: one"]);

  const later = server();
  const again = await storingVectors(later.embedder, join(folder, "new"));
  expect(await again.embed(["one", "four", "one"], "document")).toEqual(expected);
  expect(later.asked).toEqual([]);
});

test("half an entry, left by a process that was stopped, is cut off", async () => {
  await (await storingVectors(server().embedder, folder)).embed(["one"], "document");
  const [file = ""] = await readdir(folder);
  await appendFile(join(folder, file), "half an entry");
  const { embedder, asked } = server();
  await (await storingVectors(embedder, folder)).embed(["one", "three"], "document");
  expect(asked).toEqual(["document: three"]);
  const last = server();
  await (await storingVectors(last.embedder, folder)).embed(["three", "one"], "document");
  expect(last.asked).toEqual([]);
});

test("of a folder, all judged sets are evaluated; what is not there is told", async () => {
  await mkdir(join(folder, "deeper"));
  for (const name of ["b.json", "a.json.gz", "chat.jsonl.gz", "README.md"]) await writeFile(join(folder, name), "{}");
  const nowhere = join(folder, "nowhere");
  expect(await findSets([folder, nowhere, join(folder, "b.json")])).toEqual({
    files: ["a.json.gz", "b.json", "b.json"].map((name) => join(folder, name)),
    absent: [nowhere],
  });
});
