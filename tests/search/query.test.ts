import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseQuery } from "../../src/search/query.ts";
import { isSnowflake } from "../../src/snowflake.ts";
import { TAG } from "../../src/tags.ts";

const NOW = Date.UTC(2025, 5, 15, 12, 30);
const parse = (typed: string) => parseQuery(typed, NOW);
const NOTHING = { text: "", phrases: [], without: [], terms: [], misread: [] };
/** What a query's operators mean, by their names. */
const meaningsOf = (typed: string) =>
  parse(typed).terms.map(({ operator, not, meaning }) => ({ operator, ...(not && { not }), ...meaning }));
const day = (text: string) => Date.parse(`${text}T00:00:00Z`);

describe("a typed query", () => {
  it("is words when it holds nothing else", () => {
    expect(parse("  which antenna   works? ")).toEqual({ ...NOTHING, text: "which antenna works?" });
    expect(parse("")).toEqual(NOTHING);
  });

  it("takes several values, each in quotes or not", () => {
    const names = (typed: string) => meaningsOf(typed).map((meaning) => "name" in meaning && meaning.name);
    expect(names('from:ada,"Bob B" lathe')).toEqual(["ada", "bob b"]);
    expect(names('from:"IRC: dave",me')).toEqual(["irc: dave", "me"]);
    expect(names('from:@"Ada L"')).toEqual(["ada l"]);
    expect(names('in:"a, b"')).toEqual(["a, b"]);
    expect(parse('from:ada,"Bob B" lathe').text).toBe("lathe");
  });

  it("knows the words of other programs for what a message has", () => {
    const tagsOf = (typed: string) => meaningsOf(typed).map((meaning) => "tag" in meaning && meaning.tag);
    expect(tagsOf("has:attachment")).toEqual(["has:file", "has:image"]);
    expect(tagsOf("-has:gifs")).toEqual(["file:gif", "link:tenor", "link:giphy"]);
    expect(tagsOf("has:pics is:pinned")).toEqual(["has:image", "is:pinned"]);
  });

  it("keeps phrases both as phrases and among the words", () => {
    expect(parse('roof "yagi antenna" cable')).toEqual({
      ...NOTHING,
      text: "roof yagi antenna cable",
      phrases: ["yagi antenna"],
    });
    for (const typed of ["“yagi antenna”", "«yagi antenna»", "「yagi antenna」", "＂yagi antenna＂"]) {
      expect([typed, parse(typed).phrases]).toEqual([typed, ["yagi antenna"]]);
    }
    expect(parse('"🔥" "--"')).toMatchObject({ text: "🔥 --", phrases: ["🔥"] });
    expect(parse('"" " " x')).toEqual({ ...NOTHING, text: "x" });
    // Pasted along, and taken out of messages too.
    expect(parse('"zero\u200bwidth" 👨\u200d👩')).toMatchObject({ text: "zerowidth 👨👩", phrases: ["zerowidth"] });
  });

  it("takes what is in quotes within a sentence for words like all others", () => {
    for (const typed of [
      'What did Caroline take away from the book "Becoming Nicole"?',
      "Где экипаж «Аполлон-1» тренировался в Космическом центре?",
      "「天洋丸」はどこの港で、何年に建造されましたか?",
    ]) {
      const { text, phrases } = parse(typed);
      expect([typed, phrases]).toEqual([typed, []]);
      expect(text).not.toMatch(/["«「]/);
    }
    expect(parse('who said "never again" in:general since:2024').phrases).toEqual(["never again"]);
    expect(parse('"what did you take away from this book" Nicole').phrases).toHaveLength(1);
    expect(parse('what did she take away from it -"Becoming Nicole"').without).toEqual(["Becoming Nicole"]);
  });

  it("has custom emoji by their names, as messages have them", () => {
    expect(parse('<:solder:123> "<a:party_parrot:456>" -<:sad:7> -😢')).toEqual({
      ...NOTHING,
      text: ":solder: :party_parrot:",
      phrases: [":party_parrot:"],
      without: [":sad:", "😢"],
    });
  });

  it("takes an operator with a space after its colon, as Discord's own search writes it", () => {
    expect(parse("vacuum from: hal has: image")).toMatchObject({ text: "vacuum", misread: [] });
    expect(parse("error: nothing after it:")).toEqual({ ...NOTHING, text: "error: nothing after it:" });
  });

  it("leaves a quote that is not closed alone", () => {
    expect(parse('5" pipe')).toEqual({ ...NOTHING, text: '5" pipe' });
  });

  it("takes from: and in: with names, mentions, ids and quoted names", () => {
    const typed =
      'from:Ada author:@Bob from:<@123> from:<@!124> from:"Grace Hopper" IN:#general in:<#55> in:off-topic hello';
    expect(parse(typed).text).toBe("hello");
    expect(meaningsOf(typed)).toEqual([
      ...["ada", "bob", "123", "124", "grace hopper"].map((name) => ({ operator: "from", by: "author", name })),
      ...["general", "55", "off-topic"].map((name) => ({ operator: "in", by: "channel", name })),
    ]);
    expect(meaningsOf('from:"IRC: dave"')).toEqual([{ operator: "from", by: "author", name: "irc: dave" }]);
    expect(meaningsOf("from:ada,bob")).toEqual(meaningsOf("from:ada from:bob"));
  });

  it("takes the operators of Discord's own search, one value or several", () => {
    const tag = (operator: string, tag: string) => ({ operator, by: "tag", tag });
    expect(meaningsOf("has:link has: Images has:sound,poll has:sticker has:forward has:embed has:video")).toEqual(
      ["link", "image", "sound", "poll", "sticker", "forward", "embed", "video"].map((has) => tag("has", `has:${has}`)),
    );
    expect(meaningsOf("link:https://www.GitHub.com/x/y link:youtube file:.PDF pinned:true pinned:no")).toEqual([
      tag("link", "link:github.com"),
      tag("link", "link:youtube"),
      tag("file", "file:pdf"),
      tag("pinned", "is:pinned"),
      { operator: "pinned", by: "no-tag", tag: "is:pinned" },
    ]);
    expect(meaningsOf("mentions:@Ada mentions:me")).toEqual(
      ["ada", "me"].map((name) => ({ operator: "mentions", by: "mention", name })),
    );
    expect(meaningsOf("from\uff1aada")).toEqual([{ operator: "from", by: "author", name: "ada" }]);
  });

  it("leaves out what stands behind a dash: words, phrases and what operators mean", () => {
    expect(parse('brakes -disc -"v brakes" -from:bob -in:#general -has:image')).toMatchObject({
      text: "brakes",
      phrases: [],
      without: ["disc", "v brakes"],
    });
    expect(meaningsOf("-from:bob -in:#general -has:image")).toEqual([
      { operator: "from", not: true, by: "author", name: "bob" },
      { operator: "in", not: true, by: "channel", name: "general" },
      { operator: "has", not: true, by: "tag", tag: "has:image" },
    ]);
    for (const typed of ["-5", "--flag", "- dash", "wi-fi"]) expect(parse(typed)).toEqual({ ...NOTHING, text: typed });
    expect(parse("-before:2024").misread).toEqual([{ typed: "-before:2024" }]);
  });

  it.each([
    "has:nonsense",
    "has:constructor",
    "has:link,nonsense",
    "form:ada",
    "pinned:perhaps",
    "file:a/b",
    "link:%",
    "before:lunch",
    "before:2024-02-31",
    "after:03/04/2024",
    "from:@",
  ])("takes %s for words, and says so", (typed) => {
    expect(parse(`soup ${typed}`)).toMatchObject({ ...NOTHING, text: `soup ${typed}`, misread: [{ typed }] });
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
    ['during:"last week"', day("2025-06-02"), day("2025-06-09")],
    ['after:"this week"', day("2025-06-09"), undefined],
    ["since:2024", day("2024-01-01"), undefined],
  ])("turns %s into bounds in time", (typed, firstMoment, endMoment) => {
    expect(parse(typed).text).toBe("");
    const { operator: _, ...meaning } = meaningsOf(typed)[0] ?? { operator: "" };
    const start = firstMoment === undefined ? {} : { start: firstMoment };
    expect(meaning).toEqual({ by: "time", ...start, ...(endMoment !== undefined && { end: endMoment }) });
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
        "link:",
        "file:",
        "-",
        ",",
        "<@1>",
        "2024-13",
        "9".repeat(30),
      ),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const { messageId, terms } = parse(pieces.join(" "));
        expect(messageId === undefined || isSnowflake(messageId)).toBe(true);
        for (const { meaning } of terms) if ("tag" in meaning) expect(meaning.tag).toMatch(TAG);
      }),
    );
  });
});
