import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { looksLikeOperator, operatorNamed, operators } from "../../src/search/operators.ts";
import { parseQuery } from "../../src/search/query.ts";

const NOW = Date.UTC(2025, 5, 15, 12, 30);

it("has a line for each in docs/searching.md, as the table of operators has it", () => {
  const docs = readFileSync(fileURLToPath(new URL("../../docs/searching.md", import.meta.url)), "utf8");
  const lines = operators.map(({ help }) => `| ${help.write} | ${help.finds} |`).join("\n");
  expect(docs).toContain(`\n${lines}\n`);
});

it("understands everything that its line says", () => {
  for (const { name, help } of operators) {
    const examples = [...help.write.matchAll(/`([^`]+)`/g)].map(([, example = ""]) => example);
    for (const example of examples) {
      const { terms, misread, text } = parseQuery(example, NOW);
      expect([example, text, misread]).toEqual([example, "", []]);
      expect(terms.length).toBeGreaterThan(0);
    }
    expect(examples.some((example) => example.startsWith(`${name}:`))).toBe(true);
  }
});

it("understands every value that it offers", () => {
  for (const { offers, read } of operators) {
    if (typeof offers === "string") continue;
    for (const value of offers) expect(read(value, NOW)).toBeDefined();
  }
});

it("has no name or alias twice", () => {
  const names = operators.flatMap(({ name, aliases }) => [name, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(operatorNamed(name.toUpperCase())).toBeDefined();
});

it.each([
  ["from", "ours"],
  ["AUTHOR", "ours, in any case"],
  ["sort", "Discord's own"],
  ["befor", "a letter less"],
  ["befores", "a letter more"],
  ["xbefore", "a letter more in front"],
  ["bafore", "another letter"],
  ["ebfore", "two that changed places"],
  ["befroe", "two that changed places"],
  ["befoer", "two that changed places at the end"],
])("takes %s for an operator: %s", (name) => {
  expect(looksLikeOperator(name)).toBe(true);
});

it.each([
  ["frm", "too short to tell"],
  ["bfr", "too short to tell"],
  ["befo", "two letters less"],
  ["beforeee", "two letters more"],
  ["bafora", "two other letters"],
  ["bfeoer", "two pairs that changed places"],
  ["befrox", "two that changed places and another"],
  ["befxro", "one that changed its place, and another"],
  ["https", "no operator at all"],
])("takes %s for a word: %s", (name) => {
  expect(looksLikeOperator(name)).toBe(false);
});
