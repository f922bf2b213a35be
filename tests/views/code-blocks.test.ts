// Blocks of code in what is shown of messages, read back with the stand-in's own reader of Discord's Markdown.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Block, parseMarkdown } from "../../sandbox/web/client/markdown.ts";
import { noteSavedView } from "../../src/views/notes.ts";
import { recordBlocks } from "../../src/views/record-text.ts";
import { queryHeading, searchResultsView, similarHeading } from "../../src/views/search-results.ts";
import { surroundingsView } from "../../src/views/surroundings.ts";
import { guildId } from "./examples.ts";
import { answerTo, hit } from "./hits.ts";
import { expectSendable } from "./valid.ts";

const ROOM = 400;
/** As a result shows it: what is no code as a quote. */
const shown = (content: string, query = "", near = "", room = ROOM) =>
  recordBlocks({ content }, { room, query, near, sign: "> " });
const fences = (markdown: string) => parseMarkdown(markdown).filter((block) => block.kind === "fence");
const kinds = (blocks: readonly Block[]) => blocks.map(({ kind }) => kind);

const fix = "Try this:\n```ts\nfunction fix() {\n  return 1;\n}\n```\nand restart";

describe("a block of code", () => {
  it("keeps its lines, its indentation and its language, between what is said before and after it", () => {
    expect(shown(fix)).toBe("> Try this:\n```ts\nfunction fix() {\n  return 1;\n}\n```\n> and restart");
    expect(kinds(parseMarkdown(shown(fix)))).toEqual(["quote", "fence", "quote"]);
  });

  it("is not broken by the words that were asked for: they are marked beside it only", () => {
    expect(shown(fix, "restart fix function")).toBe(
      "> Try this:\n```ts\nfunction fix() {\n  return 1;\n}\n```\n> and **restart**",
    );
  });

  it.each([
    // What is written, what is code in it: as Discord's client reads it.
    ["```\nlet a\n```", [["", "let a"]]],
    ["```let a```", [["", "let a"]]],
    ["```js let a```", [["", "js let a"]]],
    ["```js\n```", [["", "js"]]],
    ["```\njs\nlet a\n```", [["", "js\nlet a"]]],
    ["```c++\r\nint a;\r\n\r\n\r\n\r\nint b;   \r\n```", [["", "c++\nint a;\n\nint b;"]]],
    ["word```in the middle```of it", [["", "in the middle"]]],
    ["```a```\n```b```", [["", "a"], ["", "b"]]], // biome-ignore format: pairs
    ["````js\na\n````", [["", "`js\na"]]],
    ["```js\na || b || *c* @everyone # d\n```", [["js", "a || b || *c* @everyone # d"]]],
    ["> ```py\n> if a:\n>   b\n> ```", [["py", "if a:\n  b"]]],
    [`\`\`\`${"x".repeat(300)}\na\n\`\`\``, [["", "a"]]],
    ["```js\na ``\u202A` b\n```", [["js", "a `\u200B`\u200B` b"]]],
    ["```js\n```\na```", [["js", "`\u200B`\u200B`\na"]]],
    ["never closed ```js\na", []],
    ["```\n \n```", []],
    ["`inline` and ``two ` of them``", []],
    ["\\```escaped```", []],
    ["||```js\na\n```||", []],
  ])("%j has the code %j", (written, code) => {
    const markdown = shown(written);
    expect(fences(markdown).map(({ language, text }) => [language, text])).toEqual(code);
    expect(markdown.replace(/```[\s\S]*?```/g, "").replace(/\\`/g, "")).not.toContain("`");
  });

  it("stays hidden where it is hidden", () => {
    expect(shown("||```js\nthe butler\n```||")).toMatch(/^> \|\|[^|\n]*the butler[^|\n]*\|\|$/);
  });

  it("is closed where it is cut, and shows whole lines around what was found", () => {
    const lines = Array.from({ length: 200 }, (_, at) => `    call(${at});`);
    lines[120] = "    solder(joint);";
    const content = `Before\n\`\`\`js\n${lines.join("\n")}\n\`\`\`\nAfter`;
    for (const query of ["solder", "before", "after", ""]) {
      const markdown = shown(content, query);
      expect(markdown.length).toBeLessThanOrEqual(ROOM);
      for (const { language, text } of fences(markdown)) {
        expect(language).toBe("js");
        for (const line of text.split("\n")) expect(lines).toContain(line);
      }
      expect(fences(markdown)).toHaveLength(1);
    }
    expect(fences(shown(content, "solder"))[0]?.text).toContain("    solder(joint);");
    expect(shown(content, "after")).toMatch(/```\n> \*\*After\*\*$/);
    // Found by meaning: the part that was found begins so, its spaces folded.
    expect(fences(shown(content, "", "solder(joint); call(121);"))[0]?.text).toContain("solder(joint);");
  });

  it("is not as high as it is long", () => {
    const content = `\`\`\`\n${"a\n".repeat(150)}\`\`\``;
    const { embeds } = searchResultsView(page(content));
    expect(embeds[0]?.fields?.[0]?.value.split("\n").length).toBeLessThanOrEqual(15);
    expect(fences(embeds[0]?.fields?.[0]?.value ?? "")).toHaveLength(1);
  });

  it("ends before the link, in results, surroundings and notes; a heading is one line", () => {
    const { record } = hit({}, { content: fix });
    const views = [searchResultsView(page(fix)), surroundingsView({ record, before: [{ ...record, id: "1343714078748708000" }], after: [], soughtId: "1" }, guildId), noteSavedView(record, guildId)]; // biome-ignore format: one each
    for (const view of views) {
      expectSendable(view);
      const [embed] = view.embeds;
      for (const text of embed?.fields?.map(({ value }) => value) ?? [embed?.description ?? ""]) {
        expect(fences(text).map((block) => block.text)).toEqual(["function fix() {\n  return 1;\n}"]);
        expect(text).toMatch(/\n[^`]*\/channels\/\d+\/\d+\/\d+$/);
      }
    }
    expect(similarHeading(record)).not.toMatch(/\n|(?<!\\)`/);
    expect(queryHeading(fix, [])).not.toMatch(/\n|(?<!\\)`/);
  });

  it("opens nothing that stays open, whatever is written and wherever it is cut", () => {
    const bits = [
      "```",
      "`",
      "``",
      "\n",
      "js\n",
      "word ",
      "||",
      "**",
      "\\",
      "> ",
      "  ",
      "\u202A",
      "é🦊",
      "烤鸭",
      "https://x.org/a`b ",
    ];
    const writing = fc.array(fc.constantFrom(...bits), { maxLength: 60 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(writing, fc.integer({ min: 20, max: 120 }), (content, room) => {
        const markdown = shown(content, "word", "", room);
        expect(markdown.length).toBeLessThanOrEqual(room);
        expect(markdown.isWellFormed()).toBe(true);
        const outside = markdown.replace(/^```[\w+.#-]*\n[\s\S]*?\n```$/gm, "");
        expect(outside.replace(/https:\S+/g, "")).not.toMatch(/(?<!\\)(?:\\\\)*`/);
        for (const line of outside.split("\n").filter(Boolean)) expect(line).toMatch(/^> /);
        const last = parseMarkdown(`${markdown}\nthe end`).at(-1);
        expect(last?.kind).toBe("paragraph");
      }),
      { numRuns: 500 },
    );
  });
});

function page(content: string): Parameters<typeof searchResultsView>[0] {
  return {
    guildId,
    heading: queryHeading("solder", []),
    result: answerTo("solder"),
    hits: [hit({}, { content })],
    page: 0,
    sessionId: "abcd1234",
    shared: false,
    newestArePending: false,
    marked: true,
    threadsUnchecked: false,
    ageRestrictedLeftOut: false,
    status: undefined,
  };
}
