import { describe, expect, it } from "vitest";
import { type SampledMessage, sampleFor } from "../../../src/backfill/compare/proof-messages.ts";
import { hit } from "../../views/hits.ts";

/** Ten messages found: the odd ones are in a channel that not everybody reads. */
const found: readonly SampledMessage[] = Array.from({ length: 10 }, (_, at) => {
  const { record } = hit({ id: String(100 + at), accessChannelId: at % 2 === 1 ? "closed" : "open" });
  return { id: record.id, record };
});
const isOpen = ({ accessChannelId }: { accessChannelId: string }) => accessChannelId === "open";
const told = (sample: readonly SampledMessage[]) => sample.map(({ id, record }) => (record ? id : `(${id})`));

describe("a sample", () => {
  it("has a few of those that everybody can read, from the oldest on, whatever order they were found in", () => {
    expect(told(sampleFor(found, isOpen))).toEqual(["100", "102", "106"]);
    expect(told(sampleFor([...found].reverse(), isOpen))).toEqual(["100", "102", "106"]);
  });

  it("is filled up with others without a word of what they say", () => {
    expect(told(sampleFor(found.slice(0, 3), isOpen))).toEqual(["100", "(101)", "102"]);
    const closed = sampleFor(found, () => false);
    expect(told(closed)).toEqual(["(100)", "(103)", "(106)"]);
    expect(JSON.stringify(closed)).not.toContain("hello");
    expect(told(sampleFor(closed, () => true))).toEqual(told(closed));
    expect(sampleFor([], () => true)).toEqual([]);
  });
});
