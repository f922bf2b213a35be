import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { createBuiltinEmbedder } from "../../src/adapters/builtin-model/index.ts";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import type { ModelTables } from "../../src/adapters/builtin-model/static-model.ts";
import { createWorkerPool } from "../../src/adapters/builtin-model/worker-pool.ts";
import { TransientError, UserError } from "../../src/errors.ts";
import { embedderContract } from "../contracts/embedder.ts";

const ROOT = join(import.meta.dirname, "../..");
const MODEL_FOLDER = join(ROOT, "models/backscroll-static");

const golden = JSON.parse(readFileSync(join(MODEL_FOLDER, "golden.json"), "utf8")) as {
  text: string;
  ids: number[];
  first8: number[];
}[];

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});
async function copyOfModel(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-model-"));
  folders.push(folder);
  await cp(MODEL_FOLDER, folder, { recursive: true });
  return folder;
}

const model = await loadStaticModel(MODEL_FOLDER);

embedderContract("the built-in model", () => createBuiltinEmbedder({ model, workers: 2 }));

describe("the built-in model", () => {
  it.each(golden)("gives the golden tokens and vector of “$text”", ({ text, ids, first8 }) => {
    expect(model.tokenIds(text)).toEqual(ids);
    const vector = model.vector(text);
    first8.forEach((value, i) => {
      expect(Math.abs((vector[i] ?? 0) - value)).toBeLessThan(1e-5);
    });
  });

  it("reads the first 256 tokens of a text and never leaves it without one", () => {
    expect(model.tokenIds("radio ".repeat(1000))).toHaveLength(256);
    expect(model.tokenIds("a".repeat(4000))).toHaveLength(1);
    for (const nothing of ["", "   ", "\0", "龘"]) expect(model.tokenIds(nothing)).toEqual([1]);
  });

  it("hands out its tables for comparing word by word, in memory that threads share", () => {
    const tokens = model.scales.length;
    expect(model.idf).toHaveLength(tokens);
    expect(model.rows).toHaveLength(tokens * model.dimensions);
    for (const { buffer } of [model.rows, model.scales, model.idf, model.vocabulary.edges]) {
      expect(buffer).toBeInstanceOf(SharedArrayBuffer);
    }
  });

  it("gives the same vectors from one worker as on the main thread, in a space named after the model's file", async () => {
    const texts = Array.from({ length: 300 }, (_, i) => `message ${i} about radios`);
    const embedder = await createBuiltinEmbedder({ model, workers: 1 });
    try {
      expect(await embedder.embed(texts, "document")).toEqual(texts.map((text) => model.vector(text)));
      expect(embedder.space).toEqual({
        modelId: "backscroll-static",
        dimensions: 256,
        fingerprint: `backscroll-static-256-${model.digest}`,
      });
    } finally {
      await embedder.close();
    }
  });

  it("says what is wrong when its files are missing, cut off or not a model", async () => {
    await expect(loadStaticModel("/nowhere")).rejects.toThrow(UserError);
    const cut = await copyOfModel();
    await truncate(join(cut, "model.safetensors"), 100_000);
    await expect(loadStaticModel(cut)).rejects.toThrow("is cut off");
    await truncate(join(cut, "model.safetensors"), 100);
    await expect(loadStaticModel(cut)).rejects.toThrow("ends inside its header");
    const other = await copyOfModel();
    await cp(join(other, "tokenizer.json"), join(other, "model.safetensors"));
    await expect(loadStaticModel(other)).rejects.toThrow(UserError);
  });

  it("refuses a tokenizer that works in another way than the reader, or is cut off", async () => {
    const other = await copyOfModel();
    const file = join(other, "tokenizer.json");
    const json = await readFile(file, "utf8");
    await writeFile(file, json.replace('"NFKC"', '"NFC"'));
    await expect(loadStaticModel(other)).rejects.toThrow(UserError);
    await writeFile(file, json.replace('"[UNK]":1,', ""));
    await expect(loadStaticModel(other)).rejects.toThrow("has no [UNK]");
    await truncate(file, 100_000);
    await expect(loadStaticModel(other)).rejects.toThrow(UserError);
  });
});

describe("a worker of the built-in model", () => {
  it("fails its requests when it dies, and a fresh one takes over", async () => {
    const mortal = `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from "node:worker_threads";
      parentPort.on("message", ({ id, texts }) => {
        if (texts[0] === "throw") throw new Error("out of luck");
        if (texts[0] === "exit") process.exit(3);
        parentPort.postMessage(texts[0] === "fail" ? { id, error: "no" } : { id, vectors: new Float32Array(2) });
      });`)}`;
    const pool = createWorkerPool(1, model.tables, new URL(mortal));
    try {
      for (const death of ["throw", "exit"]) {
        expect(await pool.run(["fine"])).toHaveLength(2);
        const answers = await Promise.allSettled([pool.run([death]), pool.run(["behind it"])]);
        for (const answer of answers) {
          expect(answer).toMatchObject({ status: "rejected", reason: expect.any(TransientError) });
        }
      }
      await expect(pool.run(["fail"])).rejects.toThrow("The built-in model failed: no");
      expect(await pool.run(["fine"])).toHaveLength(2);
    } finally {
      await pool.close();
    }
  });

  it("that cannot start makes the embedder fail, not hang", async () => {
    const { vocabulary: _, ...broken } = model.tables;
    const unusable = { ...model, tables: broken as ModelTables };
    await expect(createBuiltinEmbedder({ model: unusable, workers: 1 })).rejects.toThrow("does not start");
  });

  it("keeps no process alive once closed", async () => {
    const script = `
      import { createBuiltinEmbedder } from "./src/adapters/builtin-model/index.ts";
      import { loadStaticModel } from "./src/adapters/builtin-model/model.ts";
      async function main() {
        const embedder = await createBuiltinEmbedder({ model: await loadStaticModel("models/backscroll-static"), workers: 2 });
        console.log((await embedder.embed(["thanks!"], "query"))[0]?.length);
        await embedder.close();
      }
      void main();`;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: ROOT,
      timeout: 20_000,
    });
    expect((await run).stdout.trim()).toBe("256");
  });
});
