import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { about, bar, bytes, clip, count, duration, isolate, percent, plain, rate } from "../../src/views/words.ts";

describe("numbers", () => {
  it("have thousands separators and agree with their noun", () => {
    expect(count(1_234_567)).toBe("1,234,567");
    expect(count(1, "record")).toBe("1 record");
    expect(count(0, "batch", "batches")).toBe("0 batches");
    expect(rate(1_240.4)).toBe("1,240 messages a second");
    expect(rate(2.34)).toBe("2.3 messages a second");
    expect(rate(undefined)).toBe("unknown");
  });

  it("say 100 % only when all is done and 0 % only when nothing is", () => {
    expect(percent(99_999, 100_000)).toBe("99.9 %");
    expect(percent(1, 100_000)).toBe("under 0.1 %");
    expect(percent(5, 5)).toBe("100 %");
    expect(percent(0, 5)).toBe("0 %");
    expect(percent(0, 0)).toBe("0 %");
    expect(bar(99_999, 100_000)).toBe(`${"█".repeat(19)}░`);
    expect(bar(1, 100_000)).toBe(`█${"░".repeat(19)}`);
    expect(bar(0, 0)).toBe("░".repeat(20));
  });

  it("of bytes are in the units disks are sold in", () => {
    expect(bytes(8.24e9)).toBe("8.2 GB");
    expect(bytes(212e6)).toBe("212 MB");
    expect(bytes(1)).toBe("1 byte");
    expect(bytes(3.2e12)).toBe("3.2 TB");
    expect(bytes(Number.NaN)).toBe("unknown");
  });
});

describe("durations", () => {
  it("are told with their two largest units", () => {
    expect(duration(400)).toBe("less than a second");
    expect(duration(4_200)).toBe("4.2 seconds");
    expect(duration(9_990)).toBe("10 seconds");
    expect(duration(59_800)).toBe("1 minute");
    expect(duration(200_000)).toBe("3 minutes 20 seconds");
    expect(duration(3_600_000)).toBe("1 hour");
    expect(duration(3_605_000)).toBe("1 hour");
    expect(duration(90_061_000)).toBe("1 day 1 hour");
    expect(duration(-5)).toBe("unknown");
  });

  it("that are estimates sound like a person", () => {
    expect(about(3_000)).toBe("a few seconds");
    expect(about(42_000)).toBe("about 40 seconds");
    expect(about(185_000)).toBe("about 3 minutes");
    expect(about(4_700_000)).toBe("about 1 hour 20 minutes");
    expect(about(200_000_000)).toBe("about 2 days 8 hours");
    expect(about(undefined)).toBe("unknown");
  });
});

describe("other people's text", () => {
  it("loses its markdown but keeps mentions, emoji, timestamps and links", () => {
    expect(plain("**bold** _it_ `code` ~~no~~ ||spoiler||")).toBe(
      "\\*\\*bold\\*\\* \\_it\\_ \\`code\\` \\~\\~no\\~\\~ \\|\\|spoiler\\|\\|",
    );
    expect(plain("see https://a.example/x_y_z and <@123> in <#45> <:smile:6> <t:1700000000:R>")).toBe(
      "see https://a.example/x_y_z and <@123> in <#45> <:smile:6> <t:1700000000:R>",
    );
    expect(plain("[free](https://evil.example)")).toMatch(/^\\\[free\\\]/);
    expect(plain("> quote\n# heading\n- item")).toBe("\\> quote \\# heading - item");
  });

  it("loses direction overrides and lone surrogates", () => {
    expect(plain("a\u202Eb\uD800c")).toBe("ab\uFFFDc");
    expect(isolate("عربي")).toBe("\u2068عربي\u2069");
    expect(isolate("Ada")).toBe("Ada");
  });

  it("is never cut inside a surrogate pair and never longer than asked", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 30 }), (text, max) => {
        const cut = clip(text, max);
        expect(cut.length).toBeLessThanOrEqual(max);
        expect(cut).not.toMatch(/\p{Surrogate}/u);
      }),
    );
    expect(clip("🦖🦖", 3)).toBe("🦖…");
    expect(clip("🦖🦖", 2)).toBe("…");
  });
});
