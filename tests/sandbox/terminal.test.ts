import type { APIMessage } from "discord-api-types/v10";
import { expect, test } from "vitest";
import { helpText, isAnswer, parseTyped, renderInTerminal } from "../../sandbox/terminal.ts";
import { systemClock } from "../../src/adapters/system.ts";
import type { CommandContext } from "../../src/commands/command.ts";
import { createCommands } from "../../src/commands/index.ts";

const message = (given: Partial<APIMessage>) =>
  ({ content: "", embeds: [], attachments: [], components: [], ...given }) as unknown as APIMessage;
const plain = (text: string) => text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g"), "");

test("titles, links and names are written as a person reads them", () => {
  const embeds = [
    { title: "1. zoe", description: "by uncle\\_ray [here](https://example.org/1), [there](https://example.org/2)" },
  ];
  expect(plain(renderInTerminal(message({ embeds }), (id) => id))).toBe(
    "▏ 1. zoe\n▏ by uncle_ray here https://example.org/1, there https://example.org/2",
  );
});

test("a reply on the way is told from the answer by what it is made of", () => {
  expect(isAnswer(message({ content: "🔎 In whatever words it says how far it is…" }))).toBe(false);
  expect(isAnswer(message({ embeds: [{ title: "…" }] }))).toBe(true);
  expect(isAnswer(message({ content: "…", components: [{ type: 1, components: [] }] }))).toBe(true);
});

test("subcommands in a group can be typed, and are in the help", () => {
  const { definitions } = createCommands({ clock: systemClock } as CommandContext);
  expect(parseTyped("/backfill settings retention days: 30", definitions, () => undefined)).toEqual({
    name: "backfill",
    group: "settings",
    subcommand: "retention",
    options: { days: 30 },
  });
  expect(() => parseTyped("/backfill settings", definitions, () => undefined)).toThrow(/settings show/);
  expect(plain(helpText(definitions))).toContain("/backfill settings retention days: …");
});
