// Embeddings without a model: deterministic, and texts that share words are alike.

const wordVectors = new Map<string, Float32Array>();

/** Unit length, the same for the same text on every machine; the more words two texts share, the nearer they are. */
export function pseudoEmbedding(text: string, dimensions: number): Float32Array {
  const sum = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]) {
    const vector = wordVector(word, dimensions);
    for (let i = 0; i < dimensions; i += 1) sum[i] = (sum[i] ?? 0) + (vector[i] ?? 0);
  }
  let squares = 0;
  for (const value of sum) squares += value * value;
  const scale = 1 / (Math.sqrt(squares) || 1);
  for (let i = 0; i < dimensions; i += 1) sum[i] = (sum[i] ?? 0) * scale;
  return sum;
}

function wordVector(word: string, dimensions: number): Float32Array {
  const key = `${dimensions}:${word}`;
  const known = wordVectors.get(key);
  if (known) return known;
  let state = 2_166_136_261;
  for (let i = 0; i < word.length; i += 1) state = Math.imul(state ^ word.charCodeAt(i), 16_777_619);
  const vector = Float32Array.from({ length: dimensions }, () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
  if (wordVectors.size >= 20_000) wordVectors.clear();
  wordVectors.set(key, vector);
  return vector;
}

/** Base64 vectors that mean nothing, at the price of a look-up. */
export function preparedVectors(dimensions: number): (text: string) => string {
  const prepared = Array.from({ length: 512 }, (_, i) =>
    Buffer.from(pseudoEmbedding(`prepared ${i} ${i * i}`, dimensions).buffer).toString("base64"),
  );
  return (text) => prepared[(text.length * 31 + text.charCodeAt(text.length >> 1)) % prepared.length] ?? "";
}
