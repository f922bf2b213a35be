import { describe, expect, test } from "vitest";
import type { Compared, ComparedPage } from "../../../src/backfill/compare/difference.ts";
import { noCounters, type Phase } from "../../../src/backfill/run/run.ts";
import { type PageInFlight, pageInFlight, settledBy, takeFinished } from "../../../src/backfill/work/page-in-flight.ts";
import type { PreparedRecord } from "../../../src/indexing/text/rows.ts";
import { aRun } from "../../support/runs.ts";

const [recent] = aRun().phases as [Phase];
const notes: Phase = { ...recent, name: "notes", kind: "note" };
const is = (state: Compared["state"], more: Partial<Compared> = {}) => ({ state, ...more }) as Compared;

function page(given: Partial<ComparedPage> = {}, { number = 1, waiting = 0, phase = recent } = {}) {
  const released: string[] = [];
  const read: ComparedPage = {
    records: [],
    orphans: [],
    duplicates: [],
    damaged: [],
    nextNewestId: undefined,
    ticket: { at: 0, release: () => void released.push("ticket") },
    ...given,
  };
  const made = pageInFlight(phase, read, {
    number,
    runId: "run",
    waiting: Array.from({ length: waiting }, () => ({}) as PreparedRecord),
    at: 7,
    releaseSlot: () => void released.push("slot"),
  });
  return { ...made, released };
}

describe("a page that was read", () => {
  test("accounts for what is settled; what is to be embedded is only read so far", () => {
    const records = [
      is("missing"),
      is("stale"),
      is("embedded", { runId: "run" }),
      is("embedded", { runId: "former" }),
      is("embedded"),
      is("quarantined", { reason: "refused" }),
      is("skipped", { reason: "empty" }),
      is("skipped", { reason: "empty" }),
      is("skipped"),
    ];
    const { counters, skippedBy, recordsLeft } = page({ records }, { waiting: 2 });
    expect(counters).toEqual({ read: 9, embedded: 1, unchanged: 2, skipped: 3, quarantined: 1 });
    expect(skippedBy).toEqual({ empty: 2 });
    expect(recordsLeft).toBe(2);
  });

  test("counts what cannot be read as read and set aside, under its phase's kind", () => {
    const { counters, quarantine } = page(
      { damaged: [{ kind: "note", id: "5", reason: "no JSON" }] },
      { phase: notes },
    );
    expect(counters).toEqual({ ...noCounters, read: 1, quarantined: 1 });
    expect(quarantine).toEqual([{ kind: "note", id: "5", contentHash: "", reason: "no JSON", attempts: 1, at: 7 }]);
  });

  test("frees both what the archive remembers for it and its place", () => {
    const { release, released } = page();
    expect(released).toEqual([]);
    release();
    expect(released).toEqual(["ticket", "slot"]);
  });
});

describe("finished pages", () => {
  const numbers = (pages: readonly PageInFlight[]) => pages.map(({ number }) => number);
  const take = (pages: PageInFlight[]) => [numbers(takeFinished(pages)), numbers(pages)];

  test("are taken up to the first that is not, so that no checkpoint passes it", () => {
    const pages = [page({}, { number: 1 }), page({}, { number: 2, waiting: 1 }), page({}, { number: 3 })];
    expect(take(pages)).toEqual([[1], [2, 3]]);
    expect(take(pages)).toEqual([[], [2, 3]]);
  });

  test("are taken a phase at a time", () => {
    const pages = [page({}, { number: 1 }), page({}, { number: 2 }), page({}, { number: 3, phase: notes })];
    expect(take(pages)).toEqual([[1, 2], [3]]);
    expect(take(pages)).toEqual([[3], []]);
    expect(take(pages)).toEqual([[], []]);
  });

  test("come to the sum of what they hold, and go on where the last of them ends", () => {
    const one = page({
      nextNewestId: "50",
      records: [is("skipped", { reason: "empty" })],
      damaged: [{ kind: "message", id: "60", reason: "x" }],
    });
    const skipped = [is("skipped", { reason: "empty" }), is("skipped", { reason: "bot" }), is("embedded")];
    const other = page({ nextNewestId: "20", records: skipped });
    expect(settledBy([one, other])).toMatchObject({
      phase: "recent",
      cursor: "20",
      counters: { read: 5, embedded: 0, unchanged: 1, skipped: 3, quarantined: 1 },
      skippedBy: { empty: 2, bot: 1 },
      quarantine: [{ id: "60" }],
    });
    expect(one.skippedBy).toEqual({ empty: 1 });
    expect(settledBy([other, page()])?.cursor).toBeUndefined();
    expect(settledBy([])).toBeUndefined();
  });
});
