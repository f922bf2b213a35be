// Keeps the vectors of a slow embedding server in a folder, so that an evaluation can be repeated without it. A file for each model:
// of each text the SHA-256 of its use and itself, and its vector.

import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Embedder } from "../../src/ports/embedder.ts";

const HASH_BYTES = 32;

/** @returns the same embedder, which asks the server only for what is not in the folder yet */
export async function storingVectors(embedder: Embedder, folder: string): Promise<Embedder> {
  const { fingerprint, dimensions } = embedder.space;
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${fingerprint}.vectors`);
  const known = await readVectors(file, dimensions);

  return {
    ...embedder,
    async embed(texts, use, signal) {
      const keys = texts.map((text) => keyOf(text, use));
      const missing = new Map(texts.map((text, place) => [keys[place] as string, text] as const));
      for (const key of missing.keys()) if (known.has(key)) missing.delete(key);
      if (missing.size > 0) {
        const vectors = await embedder.embed([...missing.values()], use, signal);
        const entries = [...missing.keys()].map((key, place) => [key, vectors[place] as Float32Array] as const);
        for (const [key, vector] of entries) known.set(key, vector);
        await appendFile(
          file,
          Buffer.concat(
            entries.flatMap(([key, vector]) => [Buffer.from(key, "hex"), Buffer.from(vector.slice().buffer)]),
          ),
        );
      }
      return keys.map((key) => known.get(key) as Float32Array);
    },
  };
}

/** What a process that was stopped while it wrote left behind the last whole entry is cut off. */
async function readVectors(file: string, dimensions: number): Promise<Map<string, Float32Array>> {
  const known = new Map<string, Float32Array>();
  const bytes = await readFile(file).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== "ENOENT") throw thrown;
    return undefined;
  });
  if (bytes === undefined) return known;
  const size = HASH_BYTES + dimensions * 4;
  const whole = bytes.length - (bytes.length % size);
  for (let start = 0; start < whole; start += size) {
    const vector = new Float32Array(new Uint8Array(bytes.subarray(start + HASH_BYTES, start + size)).buffer);
    known.set(bytes.toString("hex", start, start + HASH_BYTES), vector);
  }
  if (whole < bytes.length) await truncate(file, whole);
  return known;
}

function keyOf(text: string, use: string): string {
  return createHash("sha256").update(`${use}\0${text}`).digest("hex");
}
