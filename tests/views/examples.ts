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
    reason: { kind: "started" },
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
    skippedBy: { "no-text": 48 },
    batches: { sent: 46, failed: 1 },
    fingerprint: "static-256",
    indexTag: "before-run-1",
    ...changes,
  };
}

const exampleAccounts = {
  planned: 50_000,
  read: 50_000,
  embedded: 49_950,
  unchanged: 0,
  skipped: 48,
  quarantined: 2,
  remaining: 0,
};

export const health: Health = {
  embedder: { light: "ok", detail: { kind: "embedder-answers", modelId: "backscroll-static", requestMs: 41 } },
  index: { light: "ok", detail: { kind: "entries", rows: 52_000 } },
  archive: { light: "ok", detail: { kind: "readable" } },
  disk: { light: "warning", detail: { kind: "disk", freeBytes: 12e9 } },
  memory: { light: "ok", detail: { kind: "memory", usedBytes: 2.5e9, limitBytes: 8e9 } },
  cpu: { light: "ok", detail: { kind: "load", load: 0.31 } },
};

export function exampleStatus(changes: Partial<BackfillStatus> = {}): BackfillStatus {
  return {
    guildId,
    command: "/backfill",
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
  { name: "embedder", ok: true, detail: { kind: "embedder", modelId: "backscroll-static", recordsPerSecond: 1_240 } },
  { name: "index", ok: true, detail: { kind: "entries", rows: 52_000 } },
  { name: "disk", ok: true, detail: { kind: "disk", freeBytes: 41e9, neededBytes: 212e6, reserveBytes: 10e9 } },
  { name: "memory", ok: true, detail: { kind: "memory", freeBytes: 5e9, limitBytes: 8e9 } },
  { name: "message-content", ok: true, detail: { kind: "content" } },
  { name: "ownership", ok: true, detail: { kind: "owner", holder: undefined } },
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
      { name: "coverage", ok: true },
      { name: "failures", ok: true },
      { name: "search-time", ok: true },
      { name: "months", ok: true, found: 14, months: 14 },
      { name: "consistency", ok: true },
      { name: "accounting", ok: true, accounts: exampleAccounts },
    ],
    sample: [{ id: "1243714078748708976" }],
    ...changes,
  };
}

/** Text that breaks layouts: long, right to left, lone surrogates, markdown, mentions, line breaks. */
export const monster = `\uD800‮عربي **bold** \`\`\`code @everyone <@&123> [x](https://evil.example)\n# head\n${"🦖".repeat(3_000)}\uDC00`;
