// Whose fault is it? One table of servers that fail in every way known, and what becomes of 200 texts sent to each.

import { afterEach, describe, expect, test } from "vitest";
import { CANARY, type CanaryMemory, createCanaryCheck, WrongVectorsError } from "../../src/embedding/canary.ts";
import { type Breaker, createBreaker } from "../../src/embedding/circuit-breaker.ts";
import { createFaultIsolation, type EmbeddingJob, type FailedRequest } from "../../src/embedding/fault-isolation.ts";
import { createEmbeddingQueue } from "../../src/embedding/queue.ts";
import { RejectedInputError, TransientError } from "../../src/errors.ts";
import { recordingLogger } from "../support/archive.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { pseudoEmbedding } from "../support/pseudo-embedding.ts";
import { testEmbedder } from "../support/test-embedder.ts";

const BATCH = 20;
const TEXTS = Array.from({ length: 10 * BATCH }, (_, n) => `text number ${n} about topic ${n % 7}`);
const POISON = TEXTS[13] as string;
const NEVER = new AbortController().signal;

/** What a server does with its nth request, from 1 on: throws, or answers (undefined: with the right vectors). */
type Server = (request: {
  /** From 1. */
  readonly n: number;
  readonly texts: readonly string[];
  readonly clock: ManualClock;
  readonly signal: AbortSignal | undefined;
}) => undefined | Float32Array[] | Promise<undefined | Float32Array[]>;

const vectorOf = (text: string) => pseudoEmbedding(text, 32);
const down = () => {
  throw new TransientError("on command");
};
const refuse = (reason: "refused" | "too-long" = "refused") => {
  throw new RejectedInputError("not this text", { reason });
};
const has = (texts: readonly string[]) => texts.includes(POISON);
/** The same sequence each time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const random = (seed: number, share: number, act: () => undefined): Server => {
  const roll = dice(seed);
  return () => (roll() < share ? act() : undefined);
};

const breakers: Breaker[] = [];
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.stop();
});

function open(server: Server, textsPerRequest = BATCH, memory?: CanaryMemory) {
  const clock = createManualClock();
  const requests: (readonly string[])[] = [];
  let right = 0;
  const embedder = {
    ...testEmbedder(undefined, { textsPerRequest }),
    async embed(texts: readonly string[], _use: unknown, signal?: AbortSignal) {
      requests.push(texts);
      const answer = await server({ n: requests.length, texts, clock, signal });
      signal?.throwIfAborted();
      right += 1;
      return answer ?? texts.map(vectorOf);
    },
  };
  const queue = createEmbeddingQueue(embedder, clock);
  const canary = createCanaryCheck(queue, memory);
  const unconfirmed = { begin: () => () => undefined, reject() {} };
  const breaker = createBreaker(canary, clock, recordingLogger().logger);
  breakers.push(breaker);
  const isolation = createFaultIsolation({ queue, breaker, canary, unconfirmed, clock, random: dice(7) });
  return { clock, requests, breaker, canary, isolation, right: () => right };
}

/** All texts, batch by batch, as a run sends them. Time passes as fast as it can. */
async function sendAll(server: Server, given: Partial<EmbeddingJob> = {}) {
  const opened = open(server);
  const { isolation, clock } = opened;
  const failures: FailedRequest[] = [];
  const job = {
    priority: "backfill",
    abandon: NEVER,
    stop: NEVER,
    onFailure: (failure: FailedRequest) => failures.push(failure),
  } as const;
  const vectors = new Map<string, Float32Array>();
  const refused: string[] = [];
  let isDone = false;
  const sending = (async () => {
    for (let at = 0; at < TEXTS.length; ) {
      const batch = TEXTS.slice(at, at + isolation.textsPerRequest());
      at += batch.length;
      const outcomes = await isolation.embed(batch, { ...job, ...given });
      outcomes?.forEach((outcome, n) => {
        const text = batch[n] as string;
        if (outcome instanceof Float32Array) vectors.set(text, outcome);
        else refused.push(text);
      });
    }
  })().finally(() => {
    isDone = true;
  });
  sending.catch(() => undefined);
  for (let minutes = 0; !isDone && minutes < 400; minutes += 1) await clock.advance(30_000);
  if (!isDone) throw new Error("it comes to no end");
  await sending;
  return { ...opened, vectors, refused, failures };
}

interface Expected {
  /** Texts that get no vector. */
  readonly refused?: readonly string[];
  /** Requests in all, at most. Without any fault there are 11, and 2 to learn the canary's vector. */
  readonly requests: number;
}

const servers: [what: string, server: () => Server, expected: Expected][] = [
  ["nothing is wrong", () => () => undefined, { requests: 13 }],
  [
    "a pause of a minute",
    () =>
      ({ clock }) =>
        clock.now() < 60_000 ? down() : undefined,
    { requests: 25 },
  ],
  [
    "two of three requests fail",
    () =>
      ({ n }) =>
        n % 3 === 0 ? undefined : down(),
    { requests: 4 * 13 },
  ],
  [
    "every second request fails",
    () =>
      ({ n }) =>
        n % 2 === 0 ? undefined : down(),
    { requests: 4 * 13 },
  ],
  [
    "three of four requests fail",
    () =>
      ({ n }) =>
        n % 4 === 0 ? undefined : down(),
    { requests: 12 * 13 },
  ],
  [
    "two of five requests fail",
    () =>
      ({ n }) =>
        n % 5 < 2 ? down() : undefined,
    { requests: 4 * 13 },
  ],
  ["40 % fail at random", () => random(1, 0.4, down), { requests: 4 * 13 }],
  ["40 % of answers hold no number, at random", () => random(2, 0.4, refuse as () => undefined), { requests: 12 * 13 }],
  [
    "a text is refused",
    () =>
      ({ texts }) =>
        has(texts) ? refuse() : undefined,
    { refused: [POISON], requests: 35 },
  ],
  [
    "a server crashes on a text",
    () =>
      ({ texts }) =>
        has(texts) ? down() : undefined,
    { refused: [POISON], requests: 45 },
  ],
  [
    "a text is refused, and half of all requests fail",
    () => {
      const roll = dice(3);
      return ({ texts }) => (roll() < 0.5 ? down() : has(texts) ? refuse() : undefined);
    },
    { refused: [POISON], requests: 400 },
  ],
  [
    "a text is too long until it is a quarter",
    () =>
      ({ texts }) =>
        texts.some((text) => POISON.startsWith(text) && text.length > 7) ? refuse("too-long") : undefined,
    { requests: 35 },
  ],
  [
    "a text stays too long",
    () =>
      ({ texts }) =>
        texts.some((text) => text !== "" && POISON.startsWith(text)) ? refuse("too-long") : undefined,
    { refused: [POISON], requests: 45 },
  ],
  [
    "every text is refused",
    () =>
      ({ texts }) =>
        texts.some((text) => TEXTS.includes(text)) ? refuse() : undefined,
    // Each is halved down to (one request for each text), and fails three times; canaries go between, not around each.
    { refused: TEXTS, requests: 4.6 * TEXTS.length },
  ],
  [
    "all of a minute's requests are refused",
    () =>
      ({ clock }) =>
        clock.now() < 60_000 ? refuse() : undefined,
    { requests: 45 },
  ],
];

describe("200 texts, when", () => {
  test.each(servers)("%s", async (_what, server, expected) => {
    const { vectors, refused, requests } = await sendAll(server());
    expect(refused).toEqual(expected.refused ?? []);
    expect(vectors.size).toBe(TEXTS.length - refused.length);
    // One that was shortened has the vector of its beginning.
    for (const [text, vector] of vectors) if (text !== POISON) expect(vector).toEqual(vectorOf(text));
    expect(requests.length).toBeLessThanOrEqual(expected.requests);
  });
});

/** Servers whose answers all look right. From the 30th request on. */
const liars: [what: string, answer: (texts: readonly string[]) => Float32Array[]][] = [
  [
    "every text gets its neighbour's vector",
    (texts) => texts.map((_, n) => vectorOf(texts[(n + 1) % texts.length] ?? "")),
  ],
  ["the order is turned round", (texts) => texts.map(vectorOf).reverse()],
  [
    "another model of the same length answers",
    (texts) => texts.map((text) => pseudoEmbedding(`${text} of another model`, 32).reverse()),
  ],
  ["all texts get one vector", (texts) => texts.map(() => vectorOf("one and the same"))],
];

describe("vectors that are not those of the texts", () => {
  test.each(liars)("stop it within fifty batches, when %s", async (_what, answer) => {
    const { clock, breaker, isolation, requests, lie } = openLiar(answer);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 120; sent += 1) {
        await isolation.embed(TEXTS.slice(0, isolation.textsPerRequest()), {
          priority: "backfill",
          abandon: NEVER,
          stop: NEVER,
        });
      }
    })();
    const failing = expect(sending).rejects.toThrow(WrongVectorsError);
    await clock.advance(1_000);
    await failing;
    expect(sent).toBeLessThanOrEqual(80);
    expect(breaker.state()?.reason).toMatch(/not those of the texts/);
    // No text is sent meanwhile, only canaries among others.
    const told = requests.length;
    const waiting = isolation.embed(TEXTS.slice(0, 4), { priority: "live", abandon: NEVER, stop: NEVER });
    await clock.advance(300_000);
    expect(requests.slice(told).every((texts) => texts.includes(CANARY) || texts.length === 1)).toBe(true);
    expect(breaker.state()?.reason).toMatch(/not those of the texts/);
    lie.isOver = true;
    await clock.advance(60_000);
    expect(breaker.state()).toBeUndefined();
    expect(await waiting).toEqual(TEXTS.slice(0, 4).map(vectorOf));
  });

  test("stop it also when a model changes a little with each request, before the latest has little to do with the first", async () => {
    let share = 0;
    const drifting = (text: string) => {
      const other = pseudoEmbedding(`${text} of another model`, 32).reverse();
      const mixed = vectorOf(text).map((value, n) => value * (1 - share) + (other[n] ?? 0) * share);
      const length = Math.sqrt(mixed.reduce((sum, value) => sum + value * value, 0));
      return mixed.map((value) => value / length);
    };
    const { isolation, breaker } = open(({ texts }) => {
      share = Math.min(1, share + 1 / 1_000);
      return texts.map(drifting);
    });
    const job = { priority: "backfill", abandon: NEVER, stop: NEVER } as const;
    const sending = (async () => {
      for (let batch = 0; batch < 2_000; batch += 1)
        await isolation.embed(TEXTS.slice(0, isolation.textsPerRequest()), job);
    })();
    await expect(sending).rejects.toThrow(WrongVectorsError);
    const [latest, first] = [drifting(TEXTS[0] ?? ""), vectorOf(TEXTS[0] ?? "")];
    expect(latest.reduce((sum, value, n) => sum + value * (first[n] ?? 0), 0)).toBeGreaterThan(0.5);
    expect(breaker.state()?.reason).toMatch(/not those of the texts/);
  });

  test("are noticed by a process that has the canary's vector from an earlier one, when another model answers by the same name", async () => {
    let stored: Awaited<ReturnType<CanaryMemory["load"]>>;
    const memory: CanaryMemory = {
      load: async () => stored,
      save: async (known) => {
        stored = known;
      },
    };
    const job = { priority: "live", abandon: NEVER, stop: NEVER } as const;
    const texts = TEXTS.slice(0, 4);
    expect(await open(() => undefined, BATCH, memory).isolation.embed(texts, job)).toEqual(texts.map(vectorOf));
    // It need not be learnt again.
    const next = open(() => undefined, BATCH, memory);
    await next.isolation.embed(texts, job);
    expect(next.requests).toHaveLength(1);
    const swapped = open(({ texts }) => texts.map((text) => vectorOf(text).reverse()), BATCH, memory);
    await expect(swapped.isolation.embed(texts, job)).rejects.toThrow(/a name of its own/);
  });

  test("are told to whoever keeps what is in doubt, whoever has sent the canary", async () => {
    const told: string[] = [];
    let isWrong = false;
    const { canary, breaker, clock } = open(({ texts }) =>
      isWrong ? texts.map((text) => vectorOf(text).reverse()) : undefined,
    );
    canary.onWrong(() => told.push("wrong"));
    const request = { priority: "live", signal: NEVER } as const;
    await canary.learn(request);
    isWrong = true;
    // Down for another reason: its own canary finds out.
    await expect(breaker.guard(down)).rejects.toThrow(TransientError);
    await clock.advance(2_000);
    expect(told.length).toBeGreaterThan(0);
  });

  test("are noticed at the start, when all texts get one vector", async () => {
    const { isolation, breaker } = open(({ texts }) => texts.map(() => vectorOf("one and the same")));
    const job = { priority: "backfill", abandon: NEVER, stop: NEVER } as const;
    await expect(isolation.embed(TEXTS.slice(0, 4), job)).rejects.toThrow(/same vector/);
    expect(breaker.state()?.reason).toMatch(/same vector/);
  });

  test("are not suspected where a model counts a little differently each time", async () => {
    const roll = dice(5);
    const noisy = (text: string) => vectorOf(text).map((value) => value + (roll() - 0.5) * 0.05);
    const { refused, vectors } = await sendAll(({ texts }) => texts.map(noisy));
    expect(refused).toEqual([]);
    expect(vectors.size).toBe(TEXTS.length);
  });
});

/** Takes four texts at a time. */
function openLiar(answer: (texts: readonly string[]) => Float32Array[]) {
  const lie = { isOver: false };
  return { lie, ...open(({ n, texts }) => (n < 30 || lie.isOver ? undefined : answer(texts)), 4) };
}

describe("a job", () => {
  const job = { priority: "live", abandon: NEVER, stop: NEVER } as const;

  test("keeps what was embedded before an outage, and sends none of it again", async () => {
    let isDown = false;
    const { clock, isolation, requests } = open(({ texts }) => (isDown || texts.length > 5 ? down() : undefined));
    const embedding = isolation.embed(TEXTS.slice(0, 16), job);
    await until(clock, () => requests.some((texts) => texts.includes(TEXTS[2] as string) && texts.length === 4));
    isDown = true;
    await clock.advance(600_000);
    isDown = false;
    const before = requests.length;
    await clock.advance(120_000);
    expect(await embedding).toEqual(TEXTS.slice(0, 16).map(vectorOf));
    expect(requests.slice(before).flat()).not.toContain(TEXTS[0]);
  });

  test("that is told to stop while the embedder is down ends without a verdict", async () => {
    const { clock, isolation } = open(down);
    const stop = new AbortController();
    const embedding = isolation.embed(TEXTS.slice(0, 16), { ...job, stop: stop.signal });
    await clock.advance(60_000);
    stop.abort();
    expect(await embedding).toBeUndefined();
  });

  test("of texts that were refused before holds nobody up", async () => {
    const { clock, isolation, breaker } = open(({ texts }) => (has(texts) ? down() : undefined));
    const changes: unknown[] = [];
    breaker.onChange((state) => changes.push(state));
    const [outcome] = (await isolation.embed([POISON], { ...job, isSuspect: true })) ?? [];
    expect(outcome).toEqual({ refused: expect.stringContaining("a harmless text passes") });
    expect(changes).toEqual([]);
    await clock.advance(0);
  });

  test("that is never answered waits as long as the embedder allows twice, else a few times as long as others take", async () => {
    const waits: number[] = [];
    const { clock, isolation } = open(async ({ texts, clock, signal }) => {
      if (!has(texts)) return undefined;
      const startedAt = clock.elapsed();
      await clock.sleep(60_000, signal);
      waits.push(clock.elapsed() - startedAt);
      signal?.throwIfAborted();
      throw new TransientError("it did not answer within 60 s");
    });
    const embedding = isolation.embed(TEXTS.slice(0, 16), job);
    await clock.advance(600_000);
    expect((await embedding)?.filter((outcome) => !(outcome instanceof Float32Array))).toHaveLength(1);
    expect(waits.filter((ms) => ms >= 60_000)).toHaveLength(2);
    expect(waits.filter((ms) => ms <= 3_000)).toHaveLength(waits.length - 2);
  });

  test("of a server that takes one text at a time is checked with a canary of its own", async () => {
    const { isolation, requests } = open(() => undefined, 1);
    expect(await isolation.embed(TEXTS.slice(0, 3), job)).toEqual(TEXTS.slice(0, 3).map(vectorOf));
    expect(requests.every((texts) => texts.length === 1)).toBe(true);
    expect(requests.flat()).toContain(CANARY);
  });
});

async function until(clock: ManualClock, condition: () => boolean): Promise<void> {
  for (let seconds = 0; !condition(); seconds += 1) {
    if (seconds > 600) throw new Error("it never came to that");
    await clock.advance(1_000);
  }
}
