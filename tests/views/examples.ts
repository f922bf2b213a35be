// Domain objects for the views' tests: ordinary ones, to be changed where a test needs it, and monstrous ones.

import type { Analysis, Check, Coverage } from "../../src/backfill/compare/survey.ts";
import type { Verification } from "../../src/backfill/compare/verify.ts";
import type { BackfillStatus } from "../../src/backfill/reporting/announcements.ts";
import type { Health } from "../../src/backfill/reporting/health.ts";
import {
  type Counters,
  noCounters,
  type Phase,
  type PhaseName,
  phaseNames,
  type Run,
} from "../../src/backfill/run/run.ts";
import type { Generation, GenerationChange } from "../../src/ports/generations.ts";

export const now = Date.UTC(2025, 2, 1, 12);
export const guildId = "1343714078748708976";

export function phase(name: PhaseName, planned: number, counters: Partial<Counters>, done: boolean): Phase {
  return {
    name,
    kind: name === "notes" ? "note" : "message",
    newestId: "1343714078748708976",
    oldestId: "0",
    planned,
    ...(!done && { cursor: "1243714078748708976" }),
    counters: { ...noCounters, ...counters },
  };
}

export function exampleRun(changes: Partial<Run> = {}): Run {
  return {
    version: 1,
    id: "run-1",
    guildId,
    status: "running",
    reason: "started by an admin",
    statusAt: now - 60_000,
    startedAt: now - 120_000,
    startedBy: "1343714078748708000",
    cutoffId: guildId,
    pace: "auto",
    source: "archive",
    phases: [
      phase("recent", 1_200, { read: 1_200, embedded: 1_100, unchanged: 60, skipped: 40 }, true),
      phase("medium", 5_000, { read: 3_400, embedded: 3_390, skipped: 8, quarantined: 2 }, false),
      phase("full", 40_000, {}, false),
      phase("notes", 12, {}, false),
    ],
    runningMs: 95_000,
    skippedBy: { "no text": 48 },
    batches: { sent: 46, failed: 1 },
    fingerprint: "static-256",
    indexTag: "before-run-1",
    ...changes,
  };
}

export const health: Health = {
  embedder: { light: "ok", detail: "41 ms per request" },
  index: { light: "ok", detail: "52,000 rows" },
  archive: { light: "ok", detail: "answers" },
  disk: { light: "warning", detail: "12 GB free" },
  memory: { light: "ok", detail: "31 %" },
  cpu: { light: "unknown", detail: "not measured yet" },
};

export function exampleStatus(changes: Partial<BackfillStatus> = {}): BackfillStatus {
  return {
    guildId,
    at: now,
    run: exampleRun(),
    change: undefined,
    recordsPerSecond: 1_240.4,
    etaMs: 185_000,
    waitingFor: undefined,
    alerts: [],
    health,
    livePending: 0,
    quarantined: 2,
    otherModel: false,
    adminChannelProblem: undefined,
    ownedElsewhere: undefined,
    ...changes,
  };
}

function coverage(records: number, embedded: number): Coverage {
  return { records, embedded, missing: records - embedded - 10, stale: 4, skipped: 5, quarantined: 1 };
}

export const checks: readonly Check[] = [
  { name: "embedder", ok: true, detail: "answers in 41 ms with 256 numbers per text" },
  { name: "index", ok: true, detail: "opens" },
  { name: "disk", ok: true, detail: "41 GB free" },
  { name: "memory", ok: true, detail: "31 % in use" },
  { name: "message-content", ok: true, detail: "allowed" },
  { name: "ownership", ok: true, detail: "this process" },
];

export function exampleGeneration(given: Partial<Generation> = {}): Generation {
  return {
    fingerprint: "nomic-embed-text-768-1a2b3c4d-5e6f7a8b",
    space: exampleSpace,
    embedder: { kind: "unknown" },
    status: "current",
    reason: "made by an earlier version",
    statusAt: 0,
    ...given,
  };
}

export const exampleSpace = {
  modelId: "nomic-embed-text",
  dimensions: 768,
  fingerprint: "nomic-embed-text-768-1a2b3c4d",
};

/** From a server's model to the built-in one. */
export function exampleChange(given: Partial<GenerationChange> = {}): GenerationChange {
  const space = { modelId: "backscroll-static", dimensions: 256, fingerprint: "backscroll-static-256-0a0b0c0d" };
  const to = exampleGeneration({ fingerprint: `${space.fingerprint}-5e6f7a8b`, space, status: "building" });
  return { to, from: [exampleGeneration()], isSameModel: false, isHeldBack: false, ...given };
}

export function exampleAnalysis(changes: Partial<Analysis> = {}): Analysis {
  return {
    ...coverage(50_000, 21_000),
    guildId,
    at: now,
    tookMs: 2_300,
    orphaned: 7,
    damaged: 0,
    notes: 12,
    channels: Array.from({ length: 3 }, (_, at) => ({
      ...coverage(10_000 / (at + 1), 4_000 / (at + 1)),
      channelId: `134371407874870897${at}`,
    })),
    months: Array.from({ length: 5 }, (_, at) => ({ ...coverage(1_000 * (at + 1), 500), month: `2025-0${at + 1}` })),
    averageLength: 83.4,
    phases: phaseNames.map((name) => ({
      ...coverage(12_500, 5_000),
      name,
      kind: name === "notes" ? "note" : "message",
      newestId: guildId,
      oldestId: "0",
      estimatedMs: 40_000,
    })),
    recordsPerSecond: 1_180,
    estimatedMs: 160_000,
    diskNeededBytes: 212e6,
    diskFreeBytes: 41e9,
    modelId: "backscroll-static",
    change: undefined,
    preflight: checks,
    ...changes,
  };
}

export function exampleVerification(changes: Partial<Verification> = {}): Verification {
  return {
    at: now,
    tookMs: 4_200,
    records: 50_000,
    embedded: 49_940,
    skipped: 48,
    quarantined: 2,
    missing: 10,
    stale: 0,
    orphaned: 0,
    duplicates: 0,
    badVectors: 0,
    selfRetrieval: { tried: 20, found: 19 },
    searchMs: { p50: 8, p95: 21 },
    criteria: [
      { name: "coverage", ok: true, detail: "99.9 % (more than 95 % asked)" },
      { name: "failures", ok: true, detail: "under 0.1 %" },
      { name: "search-time", ok: true, detail: "21 ms at p95" },
      { name: "months", ok: true, detail: "all 14" },
      { name: "consistency", ok: true, detail: "no duplicates" },
      { name: "accounting", ok: true, detail: "adds up" },
    ],
    sample: [{ id: "1243714078748708976" }],
    ...changes,
  };
}

/** Text that breaks layouts: long, right to left, lone surrogates, markdown, mentions, line breaks. */
export const monster = `\uD800‮عربي **bold** \`\`\`code @everyone <@&123> [x](https://evil.example)\n# head\n${"🦖".repeat(3_000)}\uDC00`;
