// What the message box offers while somebody types.

import { ApplicationCommandOptionType as OptionType } from "discord-api-types/v10";
import { describe, expect, test } from "vitest";
import type { CommandDefinition } from "../../sandbox/command-shapes.ts";
import { readTyped, typeableCommands, typedValues } from "../../sandbox/typed-command.ts";
import { complete, mentionedId, withMentions } from "../../sandbox/web/client/completion.ts";
import type { Directory } from "../../sandbox/web/wire.ts";

const definitions: CommandDefinition[] = [
  {
    name: "find",
    description: "Finds",
    options: [
      { type: OptionType.String, name: "query", description: "What", required: true },
      { type: OptionType.Channel, name: "channel", description: "Where" },
      { type: OptionType.Boolean, name: "share", description: "For all" },
      { type: OptionType.String, name: "month", description: "When", autocomplete: true },
    ],
  },
  {
    name: "run",
    description: "Runs",
    options: [
      {
        type: OptionType.Subcommand,
        name: "start",
        description: "Starts",
        options: [
          {
            type: OptionType.String,
            name: "pace",
            description: "How fast",
            choices: [
              { name: "gentle: with breaks", value: "gentle" },
              { name: "full: as fast as it goes", value: "full" },
            ],
          },
        ],
      },
      { type: OptionType.Subcommand, name: "stop", description: "Stops" },
    ],
  },
];
const commands = typeableCommands(definitions);
const directory: Directory = {
  guild: { id: "1", name: "Yard" },
  viewerId: "2",
  botId: "9",
  suggestedIds: [],
  people: [{ id: "2", name: "mara", bot: false, roles: [], color: 0, owner: true, member: true }],
  roles: [{ id: "5", name: "stewards", color: 0 }],
  places: [
    { id: "7", name: "bikes", kind: "text", topic: "", private: false, mayWrite: true, messages: 0 },
    { id: "8", name: "general", kind: "text", topic: "", private: false, mayWrite: true, messages: 0 },
  ],
  startId: "7",
};
const labels = (line: string, choices?: { name: string; value: string }[]) =>
  complete(line, commands, directory, choices).suggestions.map(({ label }) => label);
const firstLine = (line: string) => complete(line, commands, directory).suggestions[0]?.line;

describe("commands", () => {
  test("subcommands are offered by name, the needed option of the chosen one stands there at once", () => {
    expect(labels("/")).toEqual(["/find", "/run start", "/run stop"]);
    expect(labels("/st")).toEqual(["/run start", "/run stop"]);
    expect(firstLine("/fi")).toBe("/find query: ");
  });

  test("Enter takes the first of several, and sends a line that is complete", () => {
    expect(complete("/run st", commands, directory).eager).toBe(true);
    expect(complete("/run stop", commands, directory).eager).toBe(false);
    expect(complete("/find query: words ", commands, directory).eager).toBe(false);
  });
});

describe("options and values", () => {
  test("after a text and a space the other options are offered; in the middle of words nothing is", () => {
    expect(labels("/find query: noisy brakes ")).toEqual(["channel", "share", "month"]);
    expect(labels("/find query: noisy cha")).toEqual([]);
  });

  test("choices, channels, yes or no, and what the bot suggests", () => {
    expect(labels("/run start pace: ")).toEqual(["gentle: with breaks", "full: as fast as it goes"]);
    expect(firstLine("/run start pace: as fa")).toBe("/run start pace: full ");
    expect(labels("/find query: x channel: #bi")).toEqual(["#bikes"]);
    expect(labels("/find query: x share: t")).toEqual(["True"]);
    expect(labels("/find query: x month: ", [{ name: "May 2026", value: "2026-05" }])).toEqual(["May 2026"]);
  });

  test("what is typed becomes the values that are sent", () => {
    const values = (line: string) => {
      const typed = readTyped(line, commands);
      return typed && typedValues(typed, (mention) => mentionedId(directory, mention));
    };
    expect(values("/find query: a: b channel: #bikes share: True")).toEqual({
      query: "a: b",
      channel: "7",
      share: true,
    });
    expect(values("/find noisy brakes")).toEqual({ query: "noisy brakes" });
    expect(values("/run start pace: gentle: with breaks")).toEqual({ pace: "gentle" });
    // Who names no query has written it, in words that look like options.
    expect(values("/find channel: #bikes")).toEqual({ query: "channel: #bikes" });
    expect(values("/find share: x noisy brakes")).toEqual({ query: "share: x noisy brakes" });
    expect(values("/find query: month:may brakes")).toEqual({ query: "month:may brakes" });
    // In the midst of a text they are its words.
    expect(values("/find query: laser month:may cutter")).toEqual({ query: "laser month:may cutter" });
    expect(values("/find laser month:may cutter share:true")).toEqual({ query: "laser month:may cutter", share: true });
    expect(values("/find laser month: may")).toEqual({ query: "laser", month: "may" });
    expect(() => values("/find laser share: maybe")).toThrow("share is True or False");
    expect(() => values("/find")).toThrow("query");
    expect(() => values("/find query: ")).toThrow("query");
    expect(() => values("/find query: x channel: #nowhere")).toThrow("#nowhere");
    expect(values("/nothing")).toBeUndefined();
  });
});

test("mentions are completed, and stored as Discord stores them", () => {
  expect(firstLine("hello @ma")).toBe("hello @mara ");
  expect(withMentions("@mara @stewards #bikes @nobody a@mara", directory)).toBe("<@2> <@&5> <#7> @nobody a@mara");
});
