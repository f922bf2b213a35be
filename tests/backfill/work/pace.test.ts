import { describe, expect, test } from "vitest";
import { defaultThresholds } from "../../../src/backfill/run/alerts.ts";
import { type PaceName, phaseNames } from "../../../src/backfill/run/run.ts";
import { createPace as createPaceWith, type Pace } from "../../../src/backfill/work/pace.ts";

const limits = { textsPerRequest: 1_000, tokensPerText: 500, tokensPerRequest: 100_000, parallelRequests: 4 };
const createPace = (name: PaceName, given = limits) => createPaceWith(name, given, defaultThresholds.slowEmbeddingMs);
const backfill = (pace: Pace, tookMs = 20) => pace.observe({ priority: "backfill", texts: 100, waitedMs: 0, tookMs });
const member = (pace: Pace, waitedMs: number) => pace.observe({ priority: "search", texts: 1, waitedMs, tookMs: 5 });
const batches = (pace: Pace) => phaseNames.map((phase) => pace.batchTexts(phase));
const cooldowns = (pace: Pace) => phaseNames.map((phase) => pace.cooldownMs(phase));

describe("gentle", () => {
  test("has fixed batches and cooldowns for each phase, one request at a time, whatever it sees", () => {
    const pace = createPace("gentle", limits);
    for (let n = 0; n < 50; n += 1) backfill(pace);
    expect(batches(pace)).toEqual([100, 150, 200, 50]);
    expect(cooldowns(pace)).toEqual([500, 300, 200, 1_000]);
    expect(pace.concurrency()).toBe(1);
  });

  test("never asks for more than the embedder takes", () => {
    expect(batches(createPace("gentle", { ...limits, textsPerRequest: 60 }))).toEqual([60, 60, 60, 50]);
  });
});

describe("full", () => {
  test("is as large and as parallel as the embedder allows, from the start and however others wait", () => {
    const pace = createPace("full", limits);
    member(pace, 10_000);
    expect(batches(pace)).toEqual([1_000, 1_000, 1_000, 1_000]);
    expect(cooldowns(pace)).toEqual([0, 0, 0, 0]);
  });

  test("has one batch more in line than the embedder takes; while members are about, leaves them one of its places", () => {
    const pace = createPace("full", limits);
    expect(pace.concurrency()).toBe(5);
    member(pace, 0);
    expect(pace.concurrency()).toBe(3);
    // As long as nobody has come while the embedder worked for four seconds.
    backfill(pace, 3_999);
    expect(pace.concurrency()).toBe(3);
    backfill(pace, 1);
    expect(pace.concurrency()).toBe(5);
    const alone = createPace("full", { ...limits, parallelRequests: 1 });
    member(alone, 0);
    expect(alone.concurrency()).toBe(1);
  });
});

describe("auto", () => {
  test("starts as gentle as gentle and grows to full while nobody is hurt", () => {
    const pace = createPace("auto", limits);
    expect([batches(pace), cooldowns(pace), pace.concurrency()]).toEqual([
      [100, 150, 200, 50],
      [500, 300, 200, 1_000],
      1,
    ]);
    const seen: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      backfill(pace);
      member(pace, 100);
      seen.push(pace.cooldownMs("recent"));
    }
    expect(seen).toEqual([...seen].sort((a, b) => b - a));
    expect([batches(pace), cooldowns(pace), pace.concurrency()]).toEqual([
      [1_000, 1_000, 1_000, 1_000],
      [0, 0, 0, 0],
      3,
    ]);
  });

  test("yields when live indexing or search wait, down to gentle, and recovers", () => {
    const pace = createPace("auto", limits);
    for (let n = 0; n < 10; n += 1) backfill(pace);
    member(pace, 251);
    expect(pace.cooldownMs("recent")).toBe(250);
    for (let n = 0; n < 10; n += 1) member(pace, 251);
    expect([batches(pace), cooldowns(pace), pace.concurrency()]).toEqual([
      [100, 150, 200, 50],
      [500, 300, 200, 1_000],
      1,
    ]);
    for (let n = 0; n < 10; n += 1) backfill(pace);
    expect(cooldowns(pace)).toEqual([0, 0, 0, 0]);
  });
});

describe("auto while members are about", () => {
  const answer = (pace: Pace) => {
    const texts = pace.batchTexts("full");
    pace.observe({ priority: "backfill", texts, waitedMs: 0, tookMs: 50 + 2 * texts });
    return texts;
  };

  test("sends batches that take 200 ms, and large ones again when it has been alone for a while", () => {
    const pace = createPace("auto", { ...limits, textsPerRequest: 256, parallelRequests: 1 });
    for (let n = 0; n < 10; n += 1) answer(pace);
    expect(answer(pace)).toBe(256);
    for (let n = 0; n < 20; n += 1) {
      member(pace, 200);
      answer(pace);
    }
    expect(answer(pace)).toBe(75);
    expect([pace.cooldownMs("full"), pace.concurrency()]).toEqual([0, 1]);
    for (let n = 0; n < 60; n += 1) answer(pace);
    expect(answer(pace)).toBe(256);
  });

  test("sends one text at a time to an embedder that is slower than that", () => {
    const pace = createPace("auto", limits);
    pace.observe({ priority: "backfill", texts: 2, waitedMs: 0, tookMs: 1_000 });
    member(pace, 10);
    expect(pace.batchTexts("full")).toBe(1);
  });

  test("does not shrink its batches where that makes them no faster: a request to a server far away takes 300 ms anyway", () => {
    const pace = createPace("auto", { ...limits, textsPerRequest: 256 });
    const send = () => {
      const texts = pace.batchTexts("full");
      pace.observe({ priority: "backfill", texts, waitedMs: 0, tookMs: 300 + texts });
    };
    for (let n = 0; n < 20; n += 1) {
      pace.observe({ priority: "search", texts: 1, waitedMs: 0, tookMs: 301 });
      send();
    }
    expect(pace.batchTexts("full")).toBe(256);
  });

  test("takes what live indexing sends in one go for no measure of what a member waits for", () => {
    const pace = createPace("auto", { ...limits, textsPerRequest: 256, parallelRequests: 1 });
    for (let n = 0; n < 10; n += 1) pace.observe({ priority: "backfill", texts: 200, waitedMs: 0, tookMs: 2_000 });
    member(pace, 0);
    expect(pace.batchTexts("full")).toBe(20);
    pace.observe({ priority: "live", texts: 200, waitedMs: 0, tookMs: 2_000 });
    expect(pace.batchTexts("full")).toBe(20);
  });

  test("full and gentle do not care", () => {
    for (const name of ["full", "gentle"] as const) {
      const pace = createPace(name, limits);
      const before = pace.batchTexts("full");
      pace.observe({ priority: "backfill", texts: 10, waitedMs: 0, tookMs: 1_000 });
      member(pace, 10);
      expect(pace.batchTexts("full")).toBe(before);
    }
  });
});

describe("trouble", () => {
  test.each(["gentle", "auto", "full"] as const)(
    "makes the batches of %s smaller when answers are slow, and lets them grow back",
    (name) => {
      const pace = createPace(name, limits);
      for (let n = 0; n < 10; n += 1) backfill(pace);
      const before = pace.batchTexts("full");
      backfill(pace, 5_001);
      expect(pace.batchTexts("full")).toBe(before / 2);
      backfill(pace, 5_001);
      expect(pace.batchTexts("full")).toBe(before / 4);
      for (let n = 0; n < 15; n += 1) backfill(pace);
      expect(pace.batchTexts("full")).toBe(before);
    },
  );

  test("calls slow what the settings call slow", () => {
    const pace = createPaceWith("full", limits, 200);
    backfill(pace, 200);
    expect(pace.batchTexts("full")).toBe(1_000);
    backfill(pace, 201);
    expect(pace.batchTexts("full")).toBe(500);
  });

  test("never makes a batch smaller than one text", () => {
    const pace = createPace("gentle", limits);
    for (let n = 0; n < 30; n += 1) pace.memory(true);
    expect(batches(pace)).toEqual([1, 1, 1, 1]);
    backfill(pace, 80);
    expect(batches(pace)).toEqual([1, 1, 1, 1]);
    pace.memory(false);
    for (let n = 0; n < 80; n += 1) backfill(pace);
    expect(batches(pace)).toEqual([100, 150, 200, 50]);
  });

  test("of a member's slow query does not shrink the backfill's batches", () => {
    const pace = createPace("full", limits);
    pace.observe({ priority: "search", texts: 1, waitedMs: 0, tookMs: 60_000 });
    expect(pace.batchTexts("full")).toBe(1_000);
  });
});
