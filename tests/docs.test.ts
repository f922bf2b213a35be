// What the pages say, held to what is there: links lead somewhere, scripts and commands exist, the README stays short.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ApplicationCommandOptionType } from "discord.js";
import { describe, expect, test } from "vitest";
import { systemClock } from "../src/adapters/system.ts";
import type { CommandContext } from "../src/commands/command.ts";
import { createCommands } from "../src/commands/index.ts";

const root = resolve(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const pages = [".", "docs"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

/** As GitHub makes a heading's anchor. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[`*]/g, "")
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .trim()
    .replace(/ /g, "-");
const anchorsOf = (path: string) =>
  new Set([...read(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading)));

describe.each(pages)("%s", (page) => {
  test("links to files and headings that exist", () => {
    const links = [...read(page).matchAll(/(?:\]\(|src(?:set)?=")([^)"\s]+)[)"]/g)].map(([, link = ""]) => link);
    const broken = links.filter((link) => {
      if (/^(https?|mailto):/.test(link)) return false;
      const [path = "", anchor] = link.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("names scripts that exist", () => {
    const scripts = new Set(Object.keys(JSON.parse(read("package.json")).scripts as object));
    const named = [...read(page).matchAll(/npm (?:run )?(start|test|(?<=run )[a-z:]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !scripts.has(name))).toEqual([]);
  });
});

test("the package's file is named by its version", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string };
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/backscroll-([\d.]+)\.tgz/g)].map(([, found]) => found),
  );
  expect(named.length).toBeGreaterThan(1);
  expect([...new Set(named)]).toEqual([version]);
  expect(read("CHANGELOG.md")).toContain(`## [${version}] - `);
});

describe("the README", () => {
  test("can be read in two minutes", () => {
    expect(read("README.md").length).toBeLessThan(6_000);
  });

  test("names every command, and none that is not there", () => {
    const table = read("README.md").match(/^\| (?:`\/|Apps →).*$/gm) ?? [];
    const named = table.flatMap((row) => {
      const [cell = ""] = row.split("|").slice(1);
      if (cell.includes("Apps →"))
        return cell
          .replace("Apps →", "")
          .split(",")
          .map((name) => name.trim());
      const [first = "", ...rest] = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
      const [command = "", subcommand] = first.slice(1).split(" ");
      return subcommand === undefined ? [command] : [subcommand, ...rest].map((name) => `${command} ${name}`);
    });
    // To be told, commands need no more than a clock.
    const { definitions } = createCommands({ clock: systemClock } as CommandContext);
    const there = definitions.flatMap((definition) => {
      const options = "options" in definition ? (definition.options ?? []) : [];
      const subcommands = options.filter(({ type }) => type <= ApplicationCommandOptionType.SubcommandGroup);
      const { name } = definition;
      return subcommands.length === 0 ? [name] : subcommands.map((each) => `${name} ${each.name}`);
    });
    expect(named.sort()).toEqual(there.sort());
  });
});
