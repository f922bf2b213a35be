import { describe, expect, it, test } from "vitest";
import type { RunReason, WaitingFor } from "../../src/backfill/run/facts.ts";
import { runSchema } from "../../src/backfill/run/run.ts";
import { type Refusal, RefusedError } from "../../src/refusals.ts";
import { reasonText, skippedLines, unreadableText, waitingForText } from "../../src/views/reasons.ts";
import { errorText } from "../../src/views/refusals.ts";
import { reportView } from "../../src/views/report.ts";
import { statusView } from "../../src/views/status.ts";
import { exampleRun, exampleStatus } from "./examples.ts";
import { expectSendable, textOf } from "./valid.ts";

const accounts = { planned: 12, read: 10, embedded: 4, unchanged: 3, skipped: 2, quarantined: 0, remaining: 0 };

describe("why a run is as it is", () => {
  it.each<[RunReason, string]>([
    [{ kind: "resumed", from: "paused" }, "resumed by an admin from paused"],
    [{ kind: "asked", by: "<@1>" }, "<@1> asked"],
    [
      { kind: "disk-low", freeBytes: 9.2e9, wantedBytes: 10e9 },
      "the disk is nearly full: 9.2 GB free, and 10 GB should be",
    ],
    [
      { kind: "budget-spent", use: { unit: "dollars", used: 4.012, of: 5 } },
      "the month's budget for the search model is used up: $4.01 of $5.00",
    ],
    [{ kind: "embedder-down", message: "HTTP 503" }, "the search model does not answer: HTTP 503"],
    [
      { kind: "model-changed" },
      "the search model was changed; type /bs-backfill start to make everything searchable with the new one",
    ],
    [{ kind: "nothing-embedded", planned: 12_000 }, "0 of 12,000 messages could be made searchable"],
    [
      { kind: "accounts-differ", accounts },
      "the numbers do not add up: 10 messages = 4 made searchable + 3 already were + 2 with nothing to search (2 deleted since the plan was made)",
    ],
    [
      { kind: "left", because: { kind: "error", message: "the disk is full" } },
      "The disk is full. It goes on by itself as soon as it can",
    ],
    [
      { kind: "left", because: { kind: "lease-lost", how: "taken-over" } },
      "Another process of the bot looks after this server now. It goes on by itself as soon as it can",
    ],
    [{ kind: "index-restored", version: "before-run-1" }, "the index was set back to before-run-1"],
  ])("%j", (reason, text) => {
    expect(reasonText(reason, "/bs-backfill")).toBe(text);
    expect(runSchema.parse(exampleRun({ reason })).reason).toEqual(reason);
  });

  it.each<[WaitingFor, string]>([
    [{ kind: "embedder", isRateLimit: false, inMs: 19_100 }, "the search model; next try in 20 s"],
    [
      { kind: "embedder", isRateLimit: true, inMs: 86_400_000 },
      "the search model, which wants fewer requests; next try in 24 h",
    ],
    [{ kind: "embedder-limits", inMs: 720_000 }, "room within the search model's limits, in 12 min"],
  ])("waits for %j", (waiting, text) => {
    expect(waitingForText(waiting)).toBe(text);
  });
});

test("a run that an earlier version stored in words is read, and shown in these words", () => {
  const alert = {
    name: "disk-low",
    detail: "9 GB free, and 10 GB should be.",
    consequence: "It is paused.",
    raisedAt: 1,
  };
  const stored = {
    ...exampleRun(),
    status: "failed",
    reason: "the search model does not answer: HTTP 503",
    skippedBy: { "no text": 40, "no-text": 8, "edited or deleted meanwhile": 1 },
    collection: { finished: true, collected: 7, unreadable: ["#attic: I am not allowed to see the channel"] },
    alerts: [alert],
  };
  const run = runSchema.parse(JSON.parse(JSON.stringify(stored)));
  const status = statusView(exampleStatus({ run, alerts: run.alerts ?? [] }));
  expectSendable(status);
  expect(textOf(status)).toContain("the search model does not answer: HTTP 503");
  expect(textOf(status)).toContain("9 GB free, and 10 GB should be.");
  const report = textOf(reportView(exampleStatus({ run }), undefined));
  expect(report).toContain("48: no text\n1: edited or deleted meanwhile");
  expect(report).toContain("1 channel could not be read: \\#attic: I am not allowed");
});

test("records that were skipped are counted by what they lacked, the most frequent first", () => {
  expect(skippedLines({ "invisible-text": 2, "no-text": 3, "changed-meanwhile": 0 })).toEqual([
    { text: "no text", records: 3 },
    { text: "only invisible characters", records: 2 },
  ]);
});

test("a channel that could not be read is told with what Discord said", () => {
  expect(unreadableText({ name: "attic", because: { kind: "error", message: "no access" } })).toBe("#attic: no access");
  expect(unreadableText({ name: "attic", because: { kind: "content-hidden" } })).toContain("Message Content Intent");
});

test.each<[Refusal, string]>([
  [{ kind: "not-owned", holder: undefined }, "try again in half a minute"],
  [{ kind: "not-owned", holder: "host-2 (pid 77)" }, "Another process (host-2 (pid 77)) looks after this server."],
  [{ kind: "changed-meanwhile", command: "/bs-backfill" }, "Look at /bs-backfill status."],
  [{ kind: "still-at-work", toRollBack: "index" }, "Pause it first, then roll back."],
  [{ kind: "wrong-vectors", message: "they are all the same" }, "Nothing was checked: they are all the same."],
])("%j is refused in words", (refusal, text) => {
  expect(errorText(new RefusedError(refusal))).toContain(text);
});
