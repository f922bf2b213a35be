// Records that were refused once or twice: heard again minutes later, and given up only after the third time.

import { beforeEach, describe, expect, test } from "vitest";
import { createSuspects, isDue, type Suspects, suspectEntry } from "../../../src/indexing/live/suspects.ts";
import type { QuarantineEntry } from "../../../src/ports/quarantine.ts";
import type { RecordKind } from "../../../src/ports/records.ts";
import { recordingLogger, testId, testMessage } from "../../support/archive.ts";

const GUILD = "1";
const MINUTES = 60_000;

let now: number;
let entries: QuarantineEntry[];
let marked: string[];
let suspects: Suspects;

beforeEach(() => {
  [now, entries, marked] = [1_000_000, [], []];
  suspects = createSuspects({
    quarantine: {
      list: async (_guildId, kind, { newestId, oldestId }, limit) =>
        entries
          .filter(
            (each) => each.kind === kind && BigInt(each.id) >= BigInt(oldestId) && BigInt(each.id) <= BigInt(newestId),
          )
          .slice(0, limit),
    },
    archive: {
      async markPending(_guildId, kind, ids) {
        marked.push(...ids.map((id) => `${kind} ${id}`));
        return [];
      },
    },
    clock: { now: () => now },
    logger: recordingLogger().logger,
  });
});

/** Refused at this moment. */
function refuse(id: string, attempts: number, kind: RecordKind = "message"): QuarantineEntry {
  const record = { ...testMessage(1), id, kind };
  const entry = suspectEntry({ record, contentHash: "hash" }, "too strange", attempts, now);
  entries = [...entries.filter((each) => each.id !== id), entry];
  suspects.add(GUILD, [entry]);
  return entry;
}

test("a record is heard three times, two minutes apart, and then given up", () => {
  expect(refuse("5", 1)).toEqual({
    kind: "message",
    id: "5",
    channelId: "100",
    contentHash: "hash",
    reason: "too strange",
    attempts: 1,
    at: now,
    retryAt: now + 2 * MINUTES,
  });
  expect(refuse("5", 2).retryAt).toBe(now + 2 * MINUTES);
  expect(refuse("5", 3).retryAt).toBeUndefined();
});

test("it is due after two minutes, and where the clock has been set back", () => {
  expect(isDue({ at: now }, now)).toBe(false);
  expect(isDue({ at: now }, now + 2 * MINUTES - 1)).toBe(false);
  expect(isDue({ at: now }, now + 2 * MINUTES)).toBe(true);
  expect(isDue({ at: now }, now - 1)).toBe(true);
});

describe("a guild", () => {
  test("has none to be heard until the first is due, and is looked into once a hearing", async () => {
    refuse("5", 1);
    expect(suspects.due()).toEqual([]);
    now += MINUTES;
    refuse("6", 1, "note");
    now += MINUTES;
    expect(suspects.due()).toEqual([GUILD]);
    expect(await suspects.retry(GUILD)).toEqual({ marked: 1, nextAt: now + MINUTES });
    expect(marked).toEqual(["message 5"]);
    expect(suspects.due()).toEqual([]);
    now += MINUTES;
    expect(suspects.due()).toEqual([GUILD]);
    // The first is still being tried: its entry is as it was.
    entries = entries.filter(({ id }) => id !== "5");
    expect(await suspects.retry(GUILD)).toEqual({ marked: 1, nextAt: undefined });
    expect(marked).toEqual(["message 5", "note 6"]);
  });

  test("has no more to be heard when those that were refused are given up, or have been taken in", async () => {
    refuse("5", 3);
    refuse("6", 1);
    expect(suspects.due()).toEqual([]);
    now += 2 * MINUTES;
    entries = entries.filter(({ id }) => id !== "6");
    expect(await suspects.retry(GUILD)).toEqual({ marked: 0, nextAt: undefined });
    now += 100 * MINUTES;
    expect([suspects.due(), marked]).toEqual([[], []]);
  });

  test("may have some from a process that went away: they are looked for at once, and heard when they are due", async () => {
    entries = [refuse("5", 1)];
    const other = now;
    now += MINUTES;
    suspects.recall(GUILD);
    expect(suspects.due()).toEqual([GUILD]);
    expect(await suspects.retry(GUILD)).toEqual({ marked: 0, nextAt: other + 2 * MINUTES });
    expect(suspects.due()).toEqual([]);
    now = other + 2 * MINUTES;
    expect(suspects.due()).toEqual([GUILD]);
    expect((await suspects.retry(GUILD)).marked).toBe(1);
  });
});

test("those among some ids are found, whatever their order, of that kind alone", async () => {
  const ids = [3, 1, 2].map(testId);
  for (const n of [0, 1, 3, 4]) refuse(testId(n), 1);
  refuse(testId(2), 1, "note");
  expect([...(await suspects.among(GUILD, "message", ids)).keys()].sort()).toEqual([testId(1), testId(3)]);
  expect([...(await suspects.among(GUILD, "note", ids)).keys()]).toEqual([testId(2)]);
  expect((await suspects.among(GUILD, "message", [])).size).toBe(0);
});
