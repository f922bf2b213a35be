import { describe, expect, it } from "vitest";
import type { Analysis } from "../../src/backfill/compare/survey.ts";
import { type Alert, alertNames } from "../../src/backfill/run/alerts.ts";
import { runStatuses } from "../../src/backfill/run/facts.ts";
import { type Run, totals } from "../../src/backfill/run/run.ts";
import { allGuildsView, analysisView, analyzingView, nothingToDoView, refusedView } from "../../src/views/analysis.ts";
import { announcementView } from "../../src/views/announcement.ts";
import { pauseView, rollbackQuestionView, startView } from "../../src/views/answers.ts";
import { failuresView, retriedView } from "../../src/views/failures.ts";
import { generationChangeView } from "../../src/views/generation-change.ts";
import { progressView } from "../../src/views/progress.ts";
import { reportView } from "../../src/views/report.ts";
import { statusView } from "../../src/views/status.ts";
import { rolledBackView, verificationView } from "../../src/views/verification.ts";
import {
  checks,
  exampleAnalysis,
  exampleChange,
  exampleGeneration,
  exampleRun,
  exampleSpace,
  exampleStatus,
  exampleVerification,
  guildId,
  monster,
  now,
  phase,
} from "./examples.ts";
import { hit } from "./hits.ts";
import { buttonLabels, expectSendable, textOf } from "./valid.ts";

const finished: Partial<Run> = {
  status: "succeeded",
  reason: { kind: "nothing-remains" },
  finishedAt: now,
  phases: [
    phase("recent", 1_200, { read: 1_200, embedded: 1_100, unchanged: 60, skipped: 40 }, true),
    phase("full", 800, { read: 800, embedded: 790, skipped: 8, quarantined: 2 }, true),
  ],
};

describe("the progress message", () => {
  it("tells how far the run is, how fast it goes and when it will be done", () => {
    const view = progressView(exampleStatus());
    expectSendable(view);
    const text = textOf(view);
    expect(text).toContain("Backfill running");
    expect(text).toContain("**4,600** of **46,212 messages** · 1,240 messages a second · about 3 minutes left");
    expect(text).toContain("**9.9 %**");
    expect(text).toContain("✅ recent (the last 30 days): 1,200 of 1,200");
    expect(text).toContain("▶️ medium (30 to 90 days ago): 3,400 of 5,000, 68 %");
    expect(text).toContain("▫️ full (older): 0 of 40,000");
    expect(text).toContain("🟡 Disk: 12 GB free");
    expect(buttonLabels(view)).toEqual(["Pause", "Show failures"]);
  });

  it.each(runStatuses)("is valid when the run is %s, and offers what can be done then", (status) => {
    const view = progressView(
      exampleStatus({ run: exampleRun({ status, reason: monster }), waitingFor: { kind: "turn" } }),
    );
    expectSendable(view);
    const labels = buttonLabels(view);
    expect(labels.includes("Resume")).toBe(["paused", "interrupted", "failed"].includes(status));
    expect(labels.includes("Pause")).toBe(["running", "waiting"].includes(status));
  });

  it("names active alerts and what it waits for", () => {
    const alert: Alert = {
      name: "embedder-down",
      detail: { kind: "embedder", message: "connection refused" },
      raisedAt: now,
    };
    const run = exampleRun({ status: "waiting", reason: { kind: "embedder-down", message: "HTTP 503" } });
    const text = textOf(
      progressView(
        exampleStatus({ run, alerts: [alert], waitingFor: { kind: "embedder", isRateLimit: false, inMs: 20_000 } }),
      ),
    );
    expect(text).toContain("The search model does not answer");
    expect(text).toContain("connection refused");
    expect(text).toContain("Waiting for: the search model; next try in 20 s");
    expect(text).toMatch(/Why \(<t:\d+:R>\): the search model does not answer: HTTP 503/);
  });

  it("stays within the limits with monstrous details everywhere", () => {
    const light = { light: "bad", detail: { kind: "error", message: monster } } as const;
    const alerts = alertNames.map((name) => ({ name, detail: monster, raisedAt: now }));
    const all = { embedder: light, index: light, archive: light, disk: light, memory: light, cpu: light };
    const phases = Array.from({ length: 30 }, () => phase("full", Number.MAX_SAFE_INTEGER, { read: 9e14 }, false));
    const run = exampleRun({ phases, id: "x".repeat(50), reason: monster, status: "failed" });
    const adminChannelProblem = { kind: "error", message: monster } as const;
    const status = exampleStatus({ run, alerts, health: all, adminChannelProblem, ownedElsewhere: monster });
    expectSendable(progressView(status));
    expectSendable(statusView(status));
    expectSendable(reportView(status, exampleVerification()));
  });
});

describe("/backfill status", () => {
  it("says so when there was no run yet and offers the analysis", () => {
    const view = statusView(exampleStatus({ run: undefined, quarantined: 0 }));
    expectSendable(view);
    expect(textOf(view)).toContain("No backfill yet");
    expect(buttonLabels(view)).toEqual(["Analyze"]);
  });

  it("says what is being changed, in status, analysis and the question after a restart, and offers to start or to wait", () => {
    const change = exampleChange();
    const analysis = exampleAnalysis({ change });
    const asked = { kind: "generation-change", status: exampleStatus({ change }), change, analysis } as const;
    const views = [statusView(asked.status), analysisView(analysis), announcementView(asked)];
    for (const view of views) {
      expectSendable(view);
      expect(textOf(view)).toContain("changed from nomic-embed-text to backscroll-static");
      expect(textOf(view)).toContain("by its words alone");
    }
    expect(buttonLabels(announcementView(asked))).toEqual(["Start now", "Later"]);
    const held = statusView(exampleStatus({ change: { ...change, isHeldBack: true } }));
    expect(textOf(held)).toContain("is in use again");
  });

  it("says that what a finished run made is of no use to another search model, and offers the analysis", () => {
    const run = exampleRun({ status: "succeeded" });
    expect(buttonLabels(statusView(exampleStatus({ run })))).not.toContain("Analyze");
    const view = statusView(exampleStatus({ run, otherModel: true }));
    expectSendable(view);
    expect(textOf(view)).toContain("The search model was changed");
    expect(buttonLabels(view)).toContain("Analyze");
  });

  it("tells what waits, who owns the server and why reports do not arrive", () => {
    const status = exampleStatus({
      livePending: 1_234,
      ownedElsewhere: "host-2 (pid 77)",
      adminChannelProblem: { kind: "error", message: "The channel is gone." },
    });
    const view = statusView(status);
    expectSendable(view);
    expect(textOf(view)).toContain("1,234 messages wait");
    expect(textOf(view)).toContain("host-2 (pid 77)");
    expect(textOf(view)).toContain("The channel is gone.");
  });
});

describe("the analysis", () => {
  it("analyze tells the tokens of what is to do, and the price where it is known", () => {
    const text = (cost: Analysis["cost"], more: Partial<Analysis> = {}) =>
      textOf(analysisView(exampleAnalysis({ cost, ...more })));
    expect(text({ tokens: 1_234_567, isCounted: true, dollars: 0.0247 })).toContain(
      "Tokens: about 1,200,000, by what the model's server counted in a sample, about $0.02",
    );
    expect(text({ tokens: 90, isCounted: false, dollars: 0.000_01 })).toContain(
      "Tokens: about 90, estimated by length, less than $0.01",
    );
    expect(text({ tokens: 90, isCounted: false, dollars: undefined })).toMatch(/estimated by length$/m);
    expect(text(undefined)).not.toContain("Tokens");
    expect(text({ tokens: 0, isCounted: true, dollars: 0 }, { missing: 0, stale: 0 })).not.toContain("Tokens");
  });

  it("the question after a change of the model tells them, too", () => {
    const cost = { tokens: 1_234_567, isCounted: true, dollars: 0.0247 };
    const asked = generationChangeView(exampleChange(), exampleAnalysis({ cost }));
    expectSendable(asked);
    expect(textOf(asked)).toContain("by what the model's server counted in a sample, about $0.02");
    expect(textOf(generationChangeView(exampleChange(), exampleAnalysis({ cost: undefined })))).not.toContain("Tokens");
  });

  it("tells what is searchable, what is missing, the plan, the disk and the checklist", () => {
    const view = analysisView(exampleAnalysis());
    expectSendable(view);
    const text = textOf(view);
    expect(text).toContain("**50,000 messages** stored");
    expect(text).toContain("28,990 cannot yet: a backfill does that");
    expect(text).toContain("4 were edited since");
    expect(text).toContain("7 were deleted, but are still in the search index");
    expect(text).toContain("recent (the last 30 days): 7,494 of 12,500 messages to do, about 40 seconds");
    expect(text).toContain("**In all: 28,994 messages, about 3 minutes**");
    expect(text).toContain("about 212 MB needed, 41 GB free");
    expect(text).toContain("Average length of a message: 83 characters");
    expect(text).toContain("<#1343714078748708970>: 10,000");
    expect(buttonLabels(view)).toEqual(["Start the backfill"]);
  });

  it("offers no start while a check fails, and says what to do", () => {
    const failed = { name: "message-content", ok: false, detail: { kind: "content" } } as const;
    const analysis = exampleAnalysis({ preflight: [...checks.slice(0, 4), failed] });
    const view = analysisView(analysis);
    expectSendable(view);
    expect(textOf(view)).toContain(
      "❌ **Reading messages**: Discord hides from this bot what messages say\n➜ Turn on “Message Content Intent”",
    );
    expect(buttonLabels(view)).toEqual([]);
    expectSendable(refusedView(analysis));
    expect(textOf(refusedView(analysis))).toContain("Turn on “Message Content Intent”");
    expect(textOf(refusedView(analysis))).not.toContain("Disk space");
  });

  it("offers no start when everything is searchable", () => {
    const done = { missing: 0, stale: 0, orphaned: 0, embedded: 49_994 };
    const analysis = exampleAnalysis({ ...done, phases: [], quarantined: 1 });
    expect(buttonLabels(analysisView(analysis))).toEqual([]);
    expect(buttonLabels(nothingToDoView(analysis))).toEqual(["Try them again"]);
    expectSendable(nothingToDoView(analysis));
  });

  it("offers a start when only deleted messages are left to clean up, and tells a part from the whole", () => {
    const orphans = exampleAnalysis({ missing: 0, stale: 0, orphaned: 3 });
    expect(buttonLabels(analysisView(orphans))).toEqual(["Start the backfill"]);
    expect(textOf(nothingToDoView(exampleAnalysis()))).toContain("Nothing to do in the chosen phases");
    expect(textOf(nothingToDoView(exampleAnalysis({ missing: 0, stale: 0 })))).toContain("Everything is searchable");
  });

  it("holds hundreds of channels, decades of months and monstrous texts", () => {
    const channel = (at: number) => ({
      channelId: `${1343714078748708000n + BigInt(at)}`,
      records: 9e14,
      embedded: 8e14,
      missing: 1e14,
      stale: 0,
      skipped: 0,
      quarantined: 0,
    });
    const analysis = exampleAnalysis({
      records: Number.MAX_SAFE_INTEGER,
      channels: Array.from({ length: 800 }, (_, at) => channel(at)),
      months: Array.from({ length: 400 }, (_, at) => ({ ...channel(at), month: `2${100 + at}-01` })),
      modelId: monster,
      preflight: checks.map((check) => ({ ...check, ok: false, detail: { kind: "error", message: monster } })),
      change: exampleChange({ from: [exampleGeneration({ space: { ...exampleSpace, modelId: monster } })] }),
      averageLength: 0,
      recordsPerSecond: undefined,
      estimatedMs: undefined,
    });
    const view = analysisView(analysis);
    expectSendable(view);
    expectSendable(refusedView(analysis));
    expect(textOf(analysisView(exampleAnalysis({ channels: analysis.channels })))).toContain("and 790 more channels");
  });

  it("of an empty server is as valid", () => {
    const none = { records: 0, embedded: 0, missing: 0, stale: 0, skipped: 0, quarantined: 0 };
    const analysis = exampleAnalysis({ ...none, channels: [], months: [], phases: [], notes: 0, averageLength: 0 });
    expectSendable(analysisView(analysis));
    expect(textOf(nothingToDoView(analysis))).toContain("only on Discord");
    expect(textOf(analysisView(analysis))).not.toContain("nothing to do");
    for (const view of [analysisView(analysis), nothingToDoView(analysis)]) {
      expect(view.components[0]?.components[0]?.custom_id).toBe("backscroll:backfill:start:::discord");
    }
    expectSendable(analyzingView(12));
  });

  it("of all servers lists each with its counts, or why it could not be counted", () => {
    const guilds = Array.from({ length: 300 }, (_, at) => ({
      name: `${at}${monster}`,
      result: at % 2 ? exampleAnalysis() : "owned by another process",
    }));
    expectSendable(allGuildsView(guilds, 300));
    const view = allGuildsView([{ name: "Home", result: exampleAnalysis() }], 2);
    expect(textOf(view)).toContain("Analyzing: 1 of 2 servers");
    expect(textOf(view)).toContain("**Home**: 21,000 of 50,000 searchable, 28,994 to do");
  });
});

describe("alerts", () => {
  it.each(alertNames)(
    "%s says what happened, what the run does and what to do, and is resolved in one post",
    (name) => {
      const alert: Alert = {
        name,
        detail: { kind: "slow-request", tookMs: 7_400, limitMs: 5_000 },
        raisedAt: now - 90_000,
      };
      const status = exampleStatus({ command: "/bs-backfill" });
      const raised = announcementView({ kind: "alert-raised", alert, status });
      expectSendable(raised);
      expect(textOf(raised)).toContain("The last request took 7.4 seconds; up to 5 seconds would be fine.");
      expect(textOf(raised)).toMatch(/What the backfill does\s+It \w+/);
      // The command as this bot's admins type it.
      expect(textOf(raised)).not.toContain("/backfill");
      expect(textOf(raised).includes("/bs-backfill failures")).toBe(name === "failing-batches");
      expect(textOf(raised)).toContain("What you can do");
      const resolved = announcementView({ kind: "alert-resolved", alert: { ...alert, resolvedAt: now }, status });
      expectSendable(resolved);
      expect(textOf(resolved)).toContain("It lasted 1 minute 30 seconds");
    },
  );

  it("that stopped the run offer to resume it", () => {
    const alert: Alert = {
      name: "disk-low",
      detail: { kind: "disk", freeBytes: 3e9, wantedBytes: 10e9 },
      raisedAt: now,
      resolvedAt: now,
    };
    const status = exampleStatus({ run: exampleRun({ status: "paused" }) });
    expect(buttonLabels(announcementView({ kind: "alert-resolved", alert, status }))).toEqual(["Resume"]);
    expect(buttonLabels(announcementView({ kind: "alert-raised", alert, status }))).toEqual(["Resume"]);
  });
});

describe("the report", () => {
  it("prints the account with its numbers, time, rate, failures and the ticks of the verification", () => {
    const status = exampleStatus({ run: exampleRun(finished) });
    const view = announcementView({ kind: "report", status, verification: exampleVerification() });
    expectSendable(view);
    const text = textOf(view);
    expect(text).toContain("✅ Backfill finished");
    expect(text).toContain(
      "**2,000** messages = **1,890** made searchable + **60** already were + **48** with nothing to search + **2** set aside",
    );
    expect(text).toContain("Yes: every message is accounted for");
    expect(text).toContain("1 minute 35 seconds of work");
    expect(text).toContain("✅ **Found by search**: 99.9 %");
    expect(text).toContain("19 of 20");
    expect(buttonLabels(view)).toContain("Try them again");
  });

  it("offers to search for old messages: shows those that its readers can read, spoilers closed, and of others only the age", () => {
    const open = hit({ id: "1143714078748708976", text: `||${monster}||`, authorName: monster }).record;
    const sample = [{ id: open.id, record: open }, { id: "1243714078748708976" }];
    const verification = exampleVerification({ sample });
    const run = exampleRun({ status: "failed" });
    for (const view of [verificationView(verification, guildId), reportView(exampleStatus({ run }), verification)]) {
      expectSendable(view);
      expect(textOf(view)).toContain(`https://discord.com/channels/${guildId}/${open.channelId}/${open.id}\n> ||`);
      expect(textOf(view)).toMatch(/\*\*2\.\*\* <t:\d+:R>, where not everybody/);
      expect(textOf(view)).not.toContain("/1243714078748708976");
      expect(buttonLabels(view).slice(-2)).toEqual(["🔎 Search for this (1)", "🔎 Search for this (2)"]);
    }
  });

  it("tells a sum once, with one word for what was set aside, and no row of zeros", () => {
    const run = exampleRun({ ...finished, phases: [phase("recent", 50, { read: 50, embedded: 50 }, true)] });
    const accounts = { ...totals(run), planned: 50 };
    const criteria = [
      ...exampleVerification().criteria.filter(({ name }) => name !== "accounting"),
      { name: "accounting", ok: true, accounts } as const,
    ];
    const view = reportView(exampleStatus({ run }), exampleVerification({ missing: 0, quarantined: 0, criteria }));
    const text = textOf(view);
    expect(text.match(/made searchable/g)).toHaveLength(1);
    expect(text).toContain("**50** messages = **50** made searchable\n");
    expect(text).not.toMatch(/failed|(^|[^\d.,])0 (?!%)/m);
  });

  it("names a slow search in its title, says what to do, and blames nothing else", () => {
    const criteria = exampleVerification().criteria.map((each) =>
      each.name === "search-time" ? { ...each, ok: false } : each,
    );
    const text = textOf(verificationView(exampleVerification({ criteria, searchMs: { p50: 90, p95: 240 } }), guildId));
    expect(text).toContain("⚠️ Checked: all is found, but search is slow");
    expect(text).toContain("❌ **Search time**: 90 ms as a rule, seldom more than 240 ms (goal: under 100 ms)");
    expect(text).toContain("➜ Mostly something else keeps the machine busy");
  });

  it("of a rollback that was asked for raises no alarm", () => {
    const nothing = { embedded: 0, missing: 49_952, searchMs: { p50: 0, p95: 0 } };
    const criteria = exampleVerification().criteria.map((each) =>
      each.name === "coverage" ? { ...each, ok: false } : each,
    );
    const text = textOf(rolledBackView(49_952, exampleVerification({ ...nothing, criteria })));
    expect(text).toContain("↩️ Backfill taken back");
    expect(text).toContain("Search finds 0 of 49,952 messages with text now.");
    expect(text).not.toMatch(/❌|⚠️|0 %/);
    const broken = textOf(rolledBackView(1, exampleVerification({ orphaned: 3, badVectors: 1 })));
    expect(broken).toContain("⚠️ Backfill taken back, but the search index is not in order");
    expect(broken).toContain("3 deleted but still found, 1 damaged.");
  });

  it("calls a run that processed nothing of something a failure", () => {
    const run = exampleRun({ ...finished, phases: [phase("recent", 5_000, {}, true)] });
    const view = reportView(exampleStatus({ run }), undefined);
    expectSendable(view);
    expect(textOf(view)).toContain("❌ Backfill failed: 0 of 5,000 messages worked through");
  });

  it("says so when the account does not add up", () => {
    const run = exampleRun({ ...finished, phases: [phase("recent", 50, { read: 50, embedded: 48 }, true)] });
    const text = textOf(reportView(exampleStatus({ run }), undefined));
    expect(text).toContain("does not add up: the parts make 48");
    expect(text).not.toContain("✅ Backfill finished");
  });

  it("of a failed run says that nothing is lost and offers to resume", () => {
    const run = exampleRun({ status: "failed", reason: { kind: "error", message: "the index cannot be written" } });
    const view = reportView(exampleStatus({ run }), exampleVerification());
    expectSendable(view);
    expect(textOf(view)).toContain("the index cannot be written");
    expect(buttonLabels(view)).toContain("Resume");
  });

  it("of what was collected names the channels that could not be read", () => {
    const unreadable = Array.from({ length: 500 }, (_, at) => `secret-${at}: no permission`);
    const run = exampleRun({ ...finished, collection: { finished: true, collected: 1_234, unreadable } });
    const view = reportView(exampleStatus({ run }), undefined);
    expectSendable(view);
    expect(textOf(view)).toContain("1,234 messages\n500 channels could not be read: secret-0: no permission");
  });

  it("finds nothing right or wrong where nothing is stored", () => {
    const verification = exampleVerification({ records: 0, embedded: 0, skipped: 0, missing: 0, orphaned: 0 });
    const view = verificationView(verification, guildId);
    expect(textOf(view)).toMatch(/Nothing to check.*only on Discord/s);
    expect(textOf(view)).not.toMatch(/[✅❌]/u);
  });
});

describe("short answers", () => {
  const asked = { adminChannelId: guildId, startedBy: guildId } as const;
  const difference = { option: "pace", asked: ["gentle"], planned: ["auto"] } as const;
  const status = exampleStatus();

  it("to start are valid for every outcome", () => {
    const analysis = exampleAnalysis();
    for (const outcome of [
      { outcome: "started", status },
      { outcome: "resumed", status, from: "paused" },
      { outcome: "already-running", status },
      { outcome: "nothing-to-do", analysis },
      { outcome: "refused", analysis },
      { outcome: "plan-differs", status, differences: Array.from({ length: 40 }, () => difference) },
    ] as const) {
      expectSendable(startView(outcome, asked));
    }
  });

  it("say that history is collected first, when it is", () => {
    const run = exampleRun({ source: "discord", collection: { finished: false, collected: 0, unreadable: [] } });
    const view = startView({ outcome: "started", status: exampleStatus({ run }) }, asked);
    expect(textOf(view)).toContain("first it fetches the history from Discord");
  });

  it("ask which plan to go on with, and carry the new one in the button", () => {
    const options = {
      ...asked,
      phases: ["recent", "medium", "full", "notes"],
      pace: "gentle",
      source: "discord",
    } as const;
    const view = startView({ outcome: "plan-differs", status, differences: [difference] }, options);
    expect(textOf(view)).toContain("• pace: gentle instead of auto");
    expect(buttonLabels(view)).toEqual(["Keep its plan", "Change to the new plan"]);
    expect(view.components[0]?.components[1]?.custom_id).toBe(
      `backscroll:backfill:change:${guildId}:recent+medium+full+notes:gentle:discord`,
    );
  });

  it("to pause and failures are valid", () => {
    for (const outcome of ["pausing", "paused", "already-paused", "forced", "nothing-running"] as const) {
      expectSendable(pauseView({ outcome, status }));
    }
    const entry = { kind: "message", id: guildId, channelId: guildId, contentHash: "x", attempts: 3, at: now } as const;
    const entries = Array.from({ length: 200 }, () => ({ ...entry, reason: monster }));
    const batch = { at: now, texts: 100, reason: monster, waited: 1, retried: 2, halved: 7, setAside: 1 };
    const batches = Array.from({ length: 10 }, () => batch);
    expectSendable(failuresView(entries, 1_000, batches, guildId));
    expectSendable(failuresView([], 0, batches, guildId));
    expectSendable(failuresView([], 0, [], guildId));
    expect(textOf(failuresView([{ ...entry, reason: "refused" }], 1, [], guildId))).toContain("3 attempts: refused");
  });

  it("to failures tells the latest batches first, and what was done about each", () => {
    const batch = { at: now, texts: 32, reason: "HTTP 503", waited: 2, retried: 0, halved: 0, setAside: 0 };
    const refused = { ...batch, reason: "HTTP 400", waited: 0, retried: 2, halved: 5, setAside: 1 };
    const text = textOf(failuresView([], 0, [batch, refused], guildId));
    expect(text).toMatch(/HTTP 503\n.*waited 2 times/);
    expect(text).toMatch(/HTTP 400\n.*tried again 2 times.*5 times.*1 message set aside/);
    expect(text.indexOf("HTTP 400")).toBeLessThan(text.indexOf("HTTP 503"));
  });

  it("to retry and rollback are valid", () => {
    expectSendable(retriedView(0));
    expectSendable(retriedView(7));
    expectSendable(rollbackQuestionView(exampleRun({ id: "0c6f8f3e-6f0e-4a52-9f0a-0f8f3e6f0e4a" })));
    expectSendable(rolledBackView(1, exampleVerification()));
  });
});
