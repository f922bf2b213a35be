import { beforeEach, expect, test } from "vitest";
import type { Announcement } from "../../../src/backfill/reporting/announcements.ts";
import { createReporter, type Reporter } from "../../../src/backfill/reporting/progress.ts";
import { UserError } from "../../../src/errors.ts";
import { recordingLogger } from "../../support/archive.ts";
import { createManualClock, type ManualClock } from "../../support/engine.ts";

const progress = { kind: "progress" } as Announcement;
let clock: ManualClock;
let reporter: Reporter;
let channelId: string | undefined;
let calls: string[];
let editable: boolean;
let refusal: UserError | undefined;

beforeEach(() => {
  clock = createManualClock();
  channelId = "7";
  calls = [];
  editable = true;
  refusal = undefined;
  reporter = createReporter(
    {
      async post(channel) {
        if (refusal !== undefined) throw refusal;
        calls.push(`post in ${channel}`);
        return String(calls.length);
      },
      async edit(_channel, message) {
        calls.push(`edit ${message}`);
        return editable;
      },
    },
    async () => channelId,
    clock,
    recordingLogger().logger,
  );
});

test("the progress message is posted once and then edited, and replaced by a fresh one after fifty minutes", async () => {
  let message = await reporter.progress(progress, undefined);
  expect(message).toEqual({ channelId: "7", messageId: "1", postedAt: 0 });
  for (let minute = 1; minute <= 51; minute += 1) {
    await clock.advance(60_000);
    message = await reporter.progress(progress, message);
  }
  expect(calls.filter((call) => call.startsWith("post"))).toHaveLength(2);
  expect(calls.indexOf("post in 7", 1)).toBe(50);
  expect(message?.messageId).toBe("51");
  expect(calls.at(-1)).toBe("edit 51");
});

test("a fresh message is posted when the old one is gone, or the admin channel is another", async () => {
  const first = await reporter.progress(progress, undefined);
  editable = false;
  const second = await reporter.progress(progress, first);
  expect(second?.messageId).not.toBe(first?.messageId);
  editable = true;
  channelId = "8";
  const third = await reporter.progress(progress, second);
  expect(third?.channelId).toBe("8");
  expect(calls.at(-1)).toBe("post in 8");
});

test("a channel that is missing or closed is remembered as a problem, never thrown, and forgotten when it works again", async () => {
  refusal = new UserError("I cannot write in <#7>");
  expect(await reporter.progress(progress, undefined)).toBeUndefined();
  await reporter.post(progress);
  expect(reporter.problem()).toEqual({ kind: "error", message: "I cannot write in <#7>" });
  channelId = undefined;
  await reporter.post(progress);
  expect(reporter.problem()).toEqual({ kind: "none-chosen" });
  [channelId, refusal] = ["7", undefined];
  await reporter.post(progress);
  expect(reporter.problem()).toBeUndefined();
});
