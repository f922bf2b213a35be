import { describe, expect, it } from "vitest";
import {
  arrange,
  changeUnderWay,
  completed,
  generationTransitions,
  outlived,
  type PresentGeneration,
  rolledBack,
  searched,
  withGenerationStatus,
  without,
} from "../../../src/indexing/guild-index/generations.ts";
import type { Generation, Generations } from "../../../src/ports/generations.ts";

const server = {
  kind: "server",
  baseUrl: "http://localhost:1234/v1",
  modelId: "nomic",
  answersAs: "nomic",
  length: 768,
  documentPrefix: "",
  queryPrefix: "",
} as const;

/** What settings make. @param format of texts and rows, 8 hex digits */
function made(modelId: string, format: string): PresentGeneration {
  const space = { modelId, dimensions: 8, fingerprint: `${modelId}-8-00000000` };
  return { fingerprint: `${space.fingerprint}-${format}`, space, embedder: { ...server, modelId } };
}
const A = made("a", "11111111");
const B = made("b", "11111111");
const NEWER_TEXTS = made("a", "22222222");
const brief = ({ list }: Generations) => list.map(({ space, status }) => `${space.modelId} ${status}`);
const begin = (present: PresentGeneration) => arrange(undefined, [], present, undefined, 1);
const changeTo = (generations: Generations, present: PresentGeneration) =>
  arrange(generations, [], present, undefined, 2);

describe("the statuses of a generation", () => {
  const statuses = ["building", "current", "retired"] as const;
  const one = (status: Generation["status"]): Generation => ({ ...A, status, reason: "", statusAt: 0 });

  it.each(statuses.flatMap((from) => statuses.map((to) => [from, to] as const)))("%s -> %s", (from, to) => {
    const change = () => withGenerationStatus(one(from), to, "why", 5);
    if (from === to) expect(change()).toEqual(one(from));
    else if (to in generationTransitions[from])
      expect(change()).toMatchObject({ status: to, reason: "why", statusAt: 5 });
    else expect(change).toThrow(`a generation cannot go from ${from} to ${to}`);
  });
});

describe("a guild's generations", () => {
  it("begin with one that has all", () => {
    expect(brief(begin(A))).toEqual(["a current"]);
    expect(changeUnderWay(begin(A), A.fingerprint)).toBeUndefined();
  });

  it("stay the same object for as long as nothing changes", () => {
    const first = begin(A);
    expect(arrange(first, ["whatever"], A, undefined, 9)).toBe(first);
  });

  it("get one to be built when the settings change, and both are searched, the new one first", () => {
    const both = changeTo(begin(A), B);
    expect(brief(both)).toEqual(["b building", "a current"]);
    expect(searched(both)).toHaveLength(2);
    expect(changeUnderWay(both, B.fingerprint)).toMatchObject({ isSameModel: false, isHeldBack: false });
    expect(changeUnderWay(changeTo(begin(A), NEWER_TEXTS), NEWER_TEXTS.fingerprint)).toMatchObject({
      isSameModel: true,
    });
  });

  it("retire the former ones when the present one is complete, however many there are", () => {
    const three = changeTo(changeTo(begin(A), B), NEWER_TEXTS);
    const one = completed(three, NEWER_TEXTS.fingerprint, 3);
    expect(brief(one)).toEqual(["a current", "b retired", "a retired"]);
    expect(changeUnderWay(one, NEWER_TEXTS.fingerprint)).toBeUndefined();
  });

  it("find the former one again when the settings are put back, to be made up by difference", () => {
    const back = changeTo(completed(changeTo(begin(A), B), B.fingerprint, 3), A);
    expect(brief(back)).toEqual(["a building", "b current"]);
    expect(brief(completed(back, A.fingerprint, 4))).toEqual(["a current", "b retired"]);
  });

  it("search the former one first after a rollback, and go on writing to the present one", () => {
    const done = completed(changeTo(begin(A), B), B.fingerprint, 3);
    const back = rolledBack(done, B.fingerprint, "Ada", 4);
    expect(brief(back)).toEqual(["a current", "b building"]);
    expect(changeUnderWay(back, B.fingerprint)).toMatchObject({ isHeldBack: true });
    // A restart does not undo it.
    expect(changeTo(back, B)).toBe(back);
    expect(() => rolledBack(back, B.fingerprint, "Ada", 5)).toThrow("former-index-in-use");
    // A backfill does.
    expect(brief(completed(back, B.fingerprint, 6))).toEqual(["b current", "a retired"]);
    // And so do the former settings: then the former one is made up.
    const settled = changeTo(back, A);
    expect(brief(settled)).toEqual(["a building", "b building"]);
    expect(settled.heldBack).toBeUndefined();
  });

  it("cannot be rolled back where there is only one", () => {
    expect(() => rolledBack(begin(A), A.fingerprint, "Ada", 2)).toThrow("no-former-index");
  });

  it("lose only what has been retired for long enough", () => {
    const done = completed(changeTo(begin(A), B), B.fingerprint, 1_000);
    expect(outlived(done, 500, 1_499)).toEqual([]);
    expect(outlived(done, 500, 1_500).map(({ fingerprint }) => fingerprint)).toEqual([A.fingerprint]);
    expect(brief(without(done, [A.fingerprint, B.fingerprint]))).toEqual(["b current"]);
  });
});

describe("tables of a version that kept no record", () => {
  const OLD = "backscroll-static-256-9f554305-343ee8a1";

  it("are known by their names: the one that was in use is searched, by words, until the present one has all", () => {
    const adopted = arrange(undefined, [OLD], A, OLD, 1);
    expect(brief(adopted)).toEqual(["a building", "backscroll-static current"]);
    expect(adopted.list[1]).toMatchObject({
      fingerprint: OLD,
      space: { modelId: "backscroll-static", dimensions: 256, fingerprint: "backscroll-static-256-9f554305" },
      embedder: { kind: "unknown" },
    });
  });

  it("are embedded by the present embedder where only the texts were made in another way", () => {
    const table = `${A.space.fingerprint}-0badcafe`;
    const adopted = arrange(undefined, [table], A, undefined, 1);
    expect(adopted.list[1]).toMatchObject({ fingerprint: table, space: A.space, embedder: A.embedder });
  });

  it("are not searched where another was in use: nobody has taken out of them what was deleted since", () => {
    const other = "nomic-embed-text-768-0a1b2c3d-343ee8a1";
    expect(brief(arrange(undefined, [OLD, other], A, OLD, 1))).toEqual([
      "a building",
      "backscroll-static current",
      "nomic-embed-text retired",
    ]);
  });

  it("do not lose to an empty table that a killed process has just made", () => {
    expect(brief(arrange(undefined, [A.fingerprint, OLD], A, OLD, 1))).toEqual([
      "a building",
      "backscroll-static current",
    ]);
  });

  it("are listed as retired when they turn up beside a record", () => {
    expect(brief(arrange(begin(A), [A.fingerprint, OLD], B, undefined, 1))).toEqual([
      "b building",
      "a current",
      "backscroll-static retired",
    ]);
  });
});
