import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EmbeddingJob, FaultIsolation } from "../../../src/embedding/fault-isolation.ts";
import { cutBatches, embedBatch } from "../../../src/indexing/text/batches.ts";
import type { PreparedRecord } from "../../../src/indexing/text/rows.ts";
import { testMessage } from "../../support/archive.ts";

/** A record of chunks of these lengths. */
function prepared(n: number, lengths: readonly number[]): PreparedRecord {
  const chunks = lengths.map((length, chunk) => {
    const text = `${n}.${chunk} `.padEnd(length, "x");
    return { chunk, text, embeddedText: text, searchText: text, ngrams: "" };
  });
  return { stored: { record: testMessage(n), contentHash: `hash ${n}` }, contextId: undefined, chunks };
}

describe("cutting batches", () => {
  const records = fc.array(fc.array(fc.integer({ min: 8, max: 1_600 }), { minLength: 1, maxLength: 5 }), {
    maxLength: 60,
  });

  test("puts every record into exactly one batch, within the limits of texts and tokens", () => {
    fc.assert(
      fc.property(
        records,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 4_000 }),
        (lengths, texts, tokens) => {
          const all = lengths.map((each, n) => prepared(n, each));
          const batches = cutBatches(all, { texts, tokens });
          expect(
            batches
              .flat()
              .map(({ stored }) => stored.record.id)
              .sort(),
          ).toEqual(all.map(({ stored }) => stored.record.id).sort());
          for (const batch of batches) {
            expect(batch.length).toBeGreaterThan(0);
            if (batch.length === 1) continue;
            const chunks = batch.flatMap((record) => record.chunks);
            expect(chunks.length).toBeLessThanOrEqual(texts);
            expect(chunks.reduce((sum, { embeddedText }) => sum + embeddedText.length, 0) / 3).toBeLessThanOrEqual(
              tokens,
            );
          }
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  test("keeps similar lengths together", () => {
    const batches = cutBatches(
      [1_500, 10, 1_400, 20, 1_450, 15].map((length, n) => prepared(n, [length])),
      { texts: 3, tokens: 9_999 },
    );
    expect(batches.map((batch) => batch.map(({ chunks }) => chunks[0]?.text.length))).toEqual([
      [10, 15, 20],
      [1_400, 1_450, 1_500],
    ]);
  });
});

/** Refuses some texts; a text's vector is its length. */
const isolation = (isRefused: (text: string) => boolean = () => false): FaultIsolation => ({
  textsPerRequest: () => 100,
  check: async () => true,
  embed: async (texts) =>
    texts.map((text) => (isRefused(text) ? { refused: "refused by the test" } : Float32Array.of(text.length))),
});
const signal = new AbortController().signal;
const job: EmbeddingJob = { priority: "backfill", abandon: signal, stop: signal };

describe("embedding a batch", () => {
  const batch = [prepared(0, [8, 9]), prepared(1, [10, 11]), prepared(2, [12])];
  const spoilt = isolation((text) => text.startsWith("1.1 "));
  const entry = {
    kind: "message",
    id: testMessage(1).id,
    channelId: "100",
    contentHash: "hash 1",
    reason: "refused by the test",
  };

  test("gives each record its vectors, and sets a record apart when one of its chunks is refused, to be tried again", async () => {
    const result = await embedBatch(spoilt, batch, job, () => 42);
    expect(
      result?.embedded.map(({ prepared, vectors }) => [
        prepared.stored.contentHash,
        vectors.map((vector) => vector[0]),
      ]),
    ).toEqual([
      ["hash 0", [8, 9]],
      ["hash 2", [12]],
    ]);
    expect(result?.refused).toEqual([{ ...entry, attempts: 1, at: 42, retryAt: 120_042 }]);
  });

  test("gives a record up that is refused for the third time", async () => {
    const refusedBefore = async (times: number) =>
      (
        await embedBatch(
          spoilt,
          batch,
          job,
          () => 42,
          () => times,
        )
      )?.refused;
    expect(await refusedBefore(1)).toEqual([{ ...entry, attempts: 2, at: 42, retryAt: 120_042 }]);
    expect(await refusedBefore(2)).toEqual([{ ...entry, attempts: 3, at: 42 }]);
  });

  test("comes to nothing when it is stopped", async () => {
    const stopped: FaultIsolation = {
      textsPerRequest: () => 100,
      check: async () => false,
      embed: async () => undefined,
    };
    expect(await embedBatch(stopped, batch, job, () => 42)).toBeUndefined();
  });
});
