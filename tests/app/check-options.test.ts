import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "discord.js";
import { expect, it } from "vitest";
import { checkHost, optionNames } from "../../src/app/check-options.ts";
import type { BackscrollOptions } from "../../src/options.ts";

const client = new Client({ intents: [] });

it("wrong options are told in sentences, all at once", () => {
  const wrong = {
    dataDir: "",
    embeddings: { baseUrl: "localhost:1234", parallelRequests: 0, apikey: "x" },
    archive: { url: "http://localhost:4512" },
    commandPrefix: "Big Prefix",
    registerCommands: "yes",
    thresholds: { memoryHigh: 90 },
    healthPort: { port: 99_999, host: "127.0.0.1" },
    keepOldIndexDays: -1,
    log: "loud",
    comandPrefix: "bs-",
    colour: "blue",
  };
  expect(() => checkHost({}, wrong)).toThrow(
    [
      "attachBackscroll was given 14 problems:",
      "  - the client must be a Client of discord.js 14: attachBackscroll(client, { dataDir: … })",
      "  - dataDir must not be empty",
      "  - archive.accessToken is missing",
      "  - embeddings.baseUrl must be an address like http://localhost:1234/v1",
      "  - embeddings.parallelRequests must be a whole number from 1 to 1000",
      "  - embeddings.apikey is not an option: did you mean embeddings.apiKey?",
      "  - commandPrefix must be up to 16 small letters, digits, - and _",
      "  - registerCommands must be true or false",
      "  - keepOldIndexDays must be a number from 0 to 36500",
      "  - thresholds.memoryHigh must be a number from 0 to 1",
      "  - healthPort.port must be a whole number from 0 to 65535",
      "  - log must be one of fatal, error, warn, info, debug, trace, silent, or a log with debug, info, warn and error",
      "  - comandPrefix is not an option: did you mean commandPrefix?",
      "  - colour is not an option",
      "The README has a table of all options.",
    ].join("\n"),
  );
});

it.each([{}, undefined, null])("%s: the data folder is missing, and it says what that is", (options) => {
  expect(() => checkHost(client, options)).toThrow(
    'attachBackscroll was given one problem:\n  - dataDir is missing: the folder to keep everything in, e.g. "./data"',
  );
});

it.each(["./data", 7])("%s is no options", (options) => {
  expect(() => checkHost(client, options)).toThrow("the options must be an object: { dataDir: … }");
});

it("every option can be given, also as undefined", () => {
  const all = {
    dataDir: "./data",
    archive: undefined,
    index: { uri: "s3://bucket/index", accessKey: "a", secretKey: "b", endpoint: undefined, region: undefined },
    embeddings: { baseUrl: "http://localhost:1234/v1", apiKey: undefined, budget: { dollars: 5 }, queryPrefix: "" },
    commandPrefix: "",
    thresholds: { diskLowBytes: 0 },
    log: console,
    healthPort: undefined,
  };
  expect(() => checkHost(client, all)).not.toThrow();
});

it("every option that TypeScript knows is checked, and no other", () => {
  // The compiler sees to it that none is left out here.
  const all: Record<keyof BackscrollOptions, true> = {
    dataDir: true,
    archive: true,
    index: true,
    embeddings: true,
    commandPrefix: true,
    registerCommands: true,
    replaceCommands: true,
    forgetOnLeave: true,
    keepLeftDays: true,
    keepUnreadableDays: true,
    keepDeletedHours: true,
    keepOldIndexDays: true,
    reindexByItself: true,
    thresholds: true,
    healthPort: true,
    log: true,
    clock: true,
  };
  expect([...optionNames].sort()).toEqual(Object.keys(all).sort());
});

it("the README's table has every option, and no other", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const [, table = ""] = /\| option \|[^\n]*\n\|[-|]+\n((?:\|.*\n)+)/.exec(readme) ?? [];
  const named = table.split("\n").flatMap((row) => {
    const [, cell = ""] = row.split("|");
    return [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  });
  expect(named.sort()).toEqual(optionNames.filter((name) => name !== "clock").sort());
});
