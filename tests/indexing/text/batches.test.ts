import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CANARY } from "../../../src/embedding/circuit-breaker.ts";
import { type EmbedTexts, embedEach } from "../../../src/embedding/isolate.ts";
import { RejectedInputError, TransientError } from "../../../src/errors.ts";
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

/** An embedder that refuses some texts, and counts its requests. */
function embedder(refuses: (text: string) => "refused" | "too-long" | undefined) {
  const requests: (readonly string[])[] = [];
  const embed: EmbedTexts = async (texts) => {
    requests.push(texts);
    const reason = texts.map(refuses).find((each) => each !== undefined);
    if (reason !== undefined) throw new RejectedInputError(`${reason} by the test`, { reason });
    return texts.map((text) => Float32Array.of(text.length));
  };
  return { embed, requests };
}

const texts = (count: number) => Array.from({ length: count }, (_, n) => `text ${n}`);

describe("isolating refused texts", () => {
  test.each([[["text 5"]], [["text 0", "text 15"]], [["text 3", "text 4", "text 11"]]])(
    "finds the culprits %j and embeds the others",
    async (culprits) => {
      const { embed, requests } = embedder((text) => (culprits.includes(text) ? "refused" : undefined));
      const outcomes = await embedEach(embed, texts(16));
      expect(outcomes).toHaveLength(16);
      outcomes.forEach((outcome, n) => {
        if (culprits.includes(`text ${n}`)) expect(outcome).toEqual({ refused: "refused by the test", attempts: 3 });
        else expect(outcome).toEqual(Float32Array.of(`text ${n}`.length));
      });
      for (const culprit of culprits)
        expect(requests.filter((each) => each.length === 1 && each[0] === culprit)).toHaveLength(3);
    },
  );

  test("comes to an end when all of a batch is refused, in a bounded number of requests", async () => {
    const { embed, requests } = embedder((text) => (text === CANARY ? undefined : "refused"));
    const outcomes = await embedEach(embed, texts(64));
    expect(outcomes.every((outcome) => !(outcome instanceof Float32Array) && outcome.attempts === 3)).toBe(true);
    // 127 of the bisection, two more tries and a canary for each.
    expect(requests).toHaveLength(127 + 64 * 3);
  });

  test("blames the embedder, and no text, when even a harmless text is refused", async () => {
    const { embed } = embedder(() => "refused");
    await expect(embedEach(embed, texts(4))).rejects.toThrow(TransientError);
  });

  test("throws an embedder's fault on at once", async () => {
    let requests = 0;
    const embed: EmbedTexts = async () => {
      requests += 1;
      throw new TransientError("down");
    };
    await expect(embedEach(embed, texts(4))).rejects.toThrow(TransientError);
    expect(requests).toBe(1);
  });

  test("shortens what is too long until it is accepted, without cutting a character in two", async () => {
    const long = "\u{1F6F0}".repeat(1_000);
    const { embed, requests } = embedder((text) => (text.length > 300 ? "too-long" : undefined));
    const [outcome] = await embedEach(embed, [long]);
    expect(outcome).toEqual(Float32Array.of(250));
    expect(requests.every((each) => each.every((text) => text.isWellFormed()))).toBe(true);
  });

  test("gives up on a text that stays too long however short it gets", async () => {
    const { embed, requests } = embedder((text) => (text === CANARY ? undefined : "too-long"));
    expect(await embedEach(embed, ["some words that are never short enough"])).toEqual([
      { refused: "too-long by the test", attempts: 5 },
    ]);
    expect(requests).toHaveLength(6);
  });
});

describe("embedding a batch", () => {
  test("gives each record its vectors, and sets a record apart when one of its chunks is refused", async () => {
    const { embed } = embedder((text) => (text.startsWith("1.1 ") ? "refused" : undefined));
    const batch = [prepared(0, [8, 9]), prepared(1, [10, 11]), prepared(2, [12])];
    const { embedded, refused } = await embedBatch(embed, batch, 100, () => 42);
    expect(
      embedded.map(({ prepared, vectors }) => [prepared.stored.contentHash, vectors.map((vector) => vector[0])]),
    ).toEqual([
      ["hash 0", [8, 9]],
      ["hash 2", [12]],
    ]);
    expect(refused).toEqual([
      {
        kind: "message",
        id: testMessage(1).id,
        channelId: "100",
        contentHash: "hash 1",
        reason: "refused by the test",
        attempts: 3,
        at: 42,
      },
    ]);
  });

  test("sends a record with more chunks than a request takes in several", async () => {
    const { embed, requests } = embedder(() => undefined);
    const { embedded } = await embedBatch(embed, [prepared(0, [8, 9, 10, 11, 12])], 2, () => 0);
    expect(requests.map((each) => each.length)).toEqual([2, 2, 1]);
    expect(embedded[0]?.vectors.map((vector) => vector[0])).toEqual([8, 9, 10, 11, 12]);
  });
});
