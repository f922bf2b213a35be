// Discord's markdown as a tree.

import { describe, expect, test } from "vitest";
import { parseInline, parseMarkdown, plainText } from "../../sandbox/web/client/markdown.ts";

const text = (words: string) => ({ kind: "text", text: words });

describe("inline markdown", () => {
  test.each([
    ["**bold** and *it* and _it_ and __under__ and ~~gone~~", ["bold", "italic", "italic", "underline", "strike"]],
    ["||secret|| `code *x*`", ["spoiler", "code"]],
    [
      "<@1> <@!2> <@&3> <#4> <:yay:5> </search:6> @everyone",
      ["user", "user", "role", "channel", "emoji", "command", "everyone"],
    ],
    ["<t:1700000000:R> <https://a.example> https://b.example/x.", ["time", "link", "link"]],
    ["snake_case_name 2 * 3 * 4 a_b_", []],
    [String.raw`\*not\* \_this\_`, []],
  ])("%s", (line, kinds) => {
    const found = parseInline(line).map(({ kind }) => kind);
    expect(found.filter((kind) => kind !== "text")).toEqual(kinds);
  });

  test("nests, and keeps what is not closed as it is", () => {
    expect(parseInline("**a *b* c**")).toEqual([
      { kind: "bold", inner: [text("a "), { kind: "italic", inner: [text("b")] }, text(" c")] },
    ]);
    expect(plainText("**a and `b")).toBe("**a and `b");
  });

  test("a link has a label, and only http and https make one", () => {
    expect(parseInline("[here](https://a.example/x)")).toEqual([
      { kind: "link", url: "https://a.example/x", inner: [text("here")] },
    ]);
    const hostile = "[x](javascript:alert(1)) javascript:alert(1) [y](data:text/html,1) <javascript:alert(1)>";
    expect(parseInline(hostile).every(({ kind }) => kind === "text")).toBe(true);
  });

  test("a hostile text takes no long time", () => {
    const startedAt = process.cpuUsage();
    for (const mark of ["**", "_", "||", "[", "`", "~~", "*a"]) parseMarkdown(mark.repeat(4_000 / mark.length));
    expect(process.cpuUsage(startedAt).user / 1_000).toBeLessThan(2_000);
  });
});

describe("blocks", () => {
  test("headings, subtext, lists, quotes and code", () => {
    const blocks = parseMarkdown(
      "# One\nwords\nmore\n- a\n  - b\n1. c\n> q\n> r\n-# small\n```ts\nlet x = *1*;\n```\nend",
    );
    expect(blocks.map(({ kind }) => kind)).toEqual([
      "heading",
      "paragraph",
      "list",
      "quote",
      "subtext",
      "fence",
      "paragraph",
    ]);
    expect(blocks[1]).toEqual({ kind: "paragraph", inner: [text("words\nmore")] });
    expect(blocks[5]).toEqual({ kind: "fence", language: "ts", text: "let x = *1*;" });
  });

  test(">>> quotes all that follows", () => {
    expect(parseMarkdown(">>> a\nb")).toEqual([
      { kind: "quote", blocks: [{ kind: "paragraph", inner: [text("a\nb")] }] },
    ]);
  });
});
