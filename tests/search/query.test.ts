import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery } from "../../src/search/query.ts";
import { isSnowflake, snowflakeAt, snowflakeTime } from "../../src/snowflake.ts";

const NOW = Date.UTC(2025, 5, 15, 12, 30);
const parse = (typed: string) => parseQuery(typed, NOW);
const NOTHING = { text: "", phrases: [], from: [], in: [], has: [], misread: [] };
const day = (text: string) => Date.parse(`${text}T00:00:00Z`);

describe("a typed query", () => {
  it("is words when it holds nothing else", () => {
    expect(parse("  which antenna   works? ")).toEqual({ ...NOTHING, text: "which antenna works?" });
    expect(parse("")).toEqual(NOTHING);
  });

  it("keeps phrases both as phrases and among the words", () => {
    expect(parse('roof "yagi antenna" cable')).toEqual({
      ...NOTHING,
      text: "roof yagi antenna cable",
      phrases: ["yagi antenna"],
    });
    expect(parse("“yagi antenna”").phrases).toEqual(["yagi antenna"]);
    expect(parse('"🔥" "--"')).toMatchObject({ text: "🔥 --", phrases: [] });
    expect(parse('"" " " x')).toEqual({ ...NOTHING, text: "x" });
  });

  it("takes an operator with a space after its colon, as Discord's own search writes it", () => {
    expect(parse("vacuum from: hal has: image")).toEqual({ ...NOTHING, text: "vacuum", from: ["hal"], has: ["image"] });
    expect(parse("error: nothing after it:")).toEqual({ ...NOTHING, text: "error: nothing after it:" });
  });

  it("leaves a quote that is not closed alone", () => {
    expect(parse('5" pipe')).toEqual({ ...NOTHING, text: '5" pipe' });
  });

  it("takes from: and in: with names, mentions, ids and quoted names", () => {
    expect(parse('from:Ada from:@Bob from:<@123> from:<@!124> from:"Grace Hopper" hello')).toEqual({
      ...NOTHING,
      text: "hello",
      from: ["ada", "bob", "123", "124", "grace hopper"],
    });
    expect(parse("IN:#general in:<#55> in:off-topic").in).toEqual(["general", "55", "off-topic"]);
  });

  it("takes has: for what the index knows, and leaves other values as words", () => {
    expect(parse("has:link has:image has:images has:file has:code has:poll").has).toEqual([
      "link",
      "image",
      "file",
      "code",
      "poll",
    ]);
  });

  it.each([
    "has:sticker",
    "has:constructor",
    "before:lunch",
    "before:2024-02-31",
    "after:03/04/2024",
    "mentions:ada",
    "from:@",
  ])("takes %s for words, and says so", (typed) => {
    expect(parse(`soup ${typed}`)).toEqual({ ...NOTHING, text: `soup ${typed}`, misread: [typed] });
  });

  it("leaves unknown operators, times and addresses as words", () => {
    for (const typed of ["foo:bar", "12:30", "https://example.org/a", "from:", "std::vector"]) {
      expect(parse(typed)).toEqual({ ...NOTHING, text: typed });
    }
  });

  it.each([
    ["before:2024-03-10", undefined, day("2024-03-10")],
    ["after:2024-03-10", day("2024-03-11"), undefined],
    ["on:2024-3-10", day("2024-03-10"), day("2024-03-11")],
    ["during:2024-02", day("2024-02-01"), day("2024-03-01")],
    ["after:2023", day("2024-01-01"), undefined],
    ["during:2023-12", day("2023-12-01"), day("2024-01-01")],
    ["during:today", day("2025-06-15"), day("2025-06-16")],
    ["before:yesterday", undefined, day("2025-06-14")],
    ["after:7d", NOW - 7 * 86_400_000, undefined],
    ['after:"3 weeks ago"', NOW - 21 * 86_400_000, undefined],
    ["during:march", day("2025-03-01"), day("2025-04-01")],
    ['before:"march 2024"', undefined, day("2024-03-01")],
    ["before:<t:1718454600:f>", undefined, NOW - 365 * 86_400_000],
    ["after: 2024-03-10", day("2024-03-11"), undefined],
    ["after:2024-01-01 after:2024-05-01 before:2024-06-01 before:2025", day("2024-05-02"), day("2024-06-01")],
  ])("turns %s into bounds on ids", (typed, firstMoment, endMoment) => {
    const { afterId, beforeId, text } = parse(typed);
    expect(text).toBe("");
    expect(afterId && snowflakeTime(String(BigInt(afterId) + 1n))).toBe(firstMoment);
    expect(beforeId).toBe(endMoment === undefined ? undefined : snowflakeAt(endMoment));
  });

  it("knows a message link, wherever it stands, and a bare message id", () => {
    const link = "https://discord.com/channels/1343714078748708970/1343714078748708971/1343714078748708976";
    expect(parse(link)).toEqual({ ...NOTHING, messageId: "1343714078748708976" });
    expect(parse(`see ${link.replace("discord", "ptb.discord")} there`)).toEqual({
      ...NOTHING,
      text: "see there",
      messageId: "1343714078748708976",
    });
    expect(parse(`<${link}>`)).toEqual({ ...NOTHING, messageId: "1343714078748708976" });
    expect(parse("1343714078748708976")).toMatchObject({
      messageId: "1343714078748708976",
      phrases: ["1343714078748708976"],
    });
    expect(parse("order 1343714078748708976").messageId).toBeUndefined();
    expect(parse("9999999999999999999").messageId).toBeUndefined();
  });

  it("never throws, and only yields ids that are ids", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "from:",
        "before:",
        "after:9999y",
        "during:0000",
        '"',
        "has:",
        "in:",
        "<@1>",
        "2024-13",
        "9".repeat(30),
      ),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const { afterId, beforeId, messageId } = parse(pieces.join(" "));
        for (const id of [afterId, beforeId, messageId]) expect(id === undefined || isSnowflake(id)).toBe(true);
      }),
    );
  });
});
