// The rules of the house: which folder may import which, where vendors may be named, what a file may hold.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const src = join(root, "src");

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, text: readFileSync(join(src, path), "utf8") }));

/** The room a file is in: its folder under src, or "top" for the files beside them. */
const roomOf = (path: string) => (path.includes("/") ? (path.split("/")[0] ?? "") : "top");

function importsOf({ path, text }: { path: string; text: string }): { from: string; typeOnly: boolean }[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)"/gm);
  return [...statements].map(([, typeOnly, specifier = ""]) => ({
    from: specifier.startsWith(".") ? relative(src, resolve(dirname(join(src, path)), specifier)) : specifier,
    typeOnly: typeOnly !== undefined,
  }));
}

/** Rooms each room may import from, beside itself. The pure files ports, errors, snowflake, records and fold are open to all. */
const mayImport: Record<string, readonly string[]> = {
  commands: ["backfill", "search", "indexing", "views"],
  views: ["backfill", "search", "indexing"],
  backfill: ["indexing"],
  search: [],
  indexing: [],
  adapters: [],
};
const openToAll = ["ports.ts", "errors.ts", "snowflake.ts", "records.ts", "fold.ts"];

const mayNameVendor: Record<string, readonly RegExp[]> = {
  backfill: [/^p-queue$/, /^zod$/],
  indexing: [/^p-queue$/, /^zod$/],
  search: [/^p-queue$/],
  views: [/^discord-api-types/],
  commands: [/^discord\.js$/, /^discord-api-types/],
};

describe("arrows between rooms", () => {
  for (const file of files.filter(({ path }) => roomOf(path) !== "top")) {
    const room = roomOf(file.path);
    test(`${file.path} imports only what its room may`, () => {
      const local = importsOf(file).filter(({ from }) => from.endsWith(".ts"));
      const wrong = local.filter(({ from }) => {
        if (openToAll.includes(from) || roomOf(from) === room) return false;
        return !mayImport[room]?.includes(roomOf(from));
      });
      expect(wrong.map(({ from }) => from)).toEqual([]);
    });
  }

  test("no adapter imports another", () => {
    const vendorOf = (path: string) => (path.split("/")[1] ?? "").replace(/\.ts$/, "");
    const wrong = files
      .filter(({ path }) => path.startsWith("adapters/"))
      .flatMap((file) =>
        importsOf(file)
          .filter(({ from }) => from.startsWith("adapters/") && vendorOf(from) !== vendorOf(file.path))
          .map(({ from }) => `${file.path} -> ${from}`),
      );
    expect(wrong).toEqual([]);
  });

  test("there are no cycles", () => {
    const graph = new Map(files.map((file) => [file.path, importsOf(file).map(({ from }) => from)]));
    const settled = new Set<string>();
    const visit = (path: string, trail: readonly string[]): string[] => {
      if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(" -> ")];
      if (settled.has(path)) return [];
      const found = (graph.get(path) ?? []).flatMap((next) => visit(next, [...trail, path]));
      settled.add(path);
      return found;
    };
    expect([...graph.keys()].flatMap((path) => visit(path, []))).toEqual([]);
  });
});

describe("vendors", () => {
  for (const [room, allowed] of Object.entries(mayNameVendor)) {
    test(`${room} names none but its own`, () => {
      const wrong = files
        .filter(({ path }) => roomOf(path) === room)
        .flatMap((file) =>
          importsOf(file)
            .filter(({ from }) => !from.endsWith(".ts") && !from.startsWith("node:"))
            .filter(({ from }) => !allowed.some((pattern) => pattern.test(from)))
            .map(({ from }) => `${file.path} -> ${from}`),
        );
      expect(wrong).toEqual([]);
    });
  }
});

describe("files", () => {
  test("only config.ts reads the environment", () => {
    const readers = files.filter(({ text }) => text.includes("process.env")).map(({ path }) => path);
    expect(readers).toEqual(["config.ts"]);
  });

  test("every setting that config.ts knows is in the README's table and in .env.example, and no other", () => {
    const namesIn = (path: string, pattern: RegExp) =>
      [...readFileSync(join(root, path), "utf8").matchAll(pattern)].map(([, name]) => name).sort();
    const known = namesIn("src/config.ts", /^ {2}([A-Z][A-Z0-9_]+): (?!\[)/gm);
    const table = readFileSync(join(root, "README.md"), "utf8").match(/^\| `[A-Z].*$/gm) ?? [];
    const inReadme = table.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([A-Z0-9_]+)`/g)].map(([, name]) => name),
    );
    expect(known).toContain("DISCORD_TOKEN");
    expect(inReadme.sort()).toEqual(known);
    expect(namesIn(".env.example", /^([A-Z][A-Z0-9_]+)=/gm)).toEqual(known);
  });

  test("each opens by saying what it owns", () => {
    const silent = files.filter(({ text }) => !text.startsWith("// ")).map(({ path }) => path);
    expect(silent).toEqual([]);
  });

  test("none but the glossary of ports is longer than 300 lines", () => {
    const long = files
      .filter(({ path, text }) => path !== "ports.ts" && text.split("\n").length > 301)
      .map(({ path }) => path);
    expect(long).toEqual([]);
  });

  test("no folder is called utils, helpers, services, lib or common, and there is no barrel but commands/index.ts", () => {
    const vague = files.filter(({ path }) => /(^|\/)(utils?|helpers?|services?|lib|common)\//.test(path));
    const onlyReexports = files.filter(({ path, text }) => {
      const code = text.replace(/^\s*\/\/.*$/gm, "").trim();
      return (
        path !== "commands/index.ts" && code !== "" && code.split("\n").every((line) => /^export .* from /.test(line))
      );
    });
    expect([...vague, ...onlyReexports].map(({ path }) => path)).toEqual([]);
  });

  test("no class is called Manager, Helper or Service", () => {
    const named = files.filter(({ text }) => /class \w*(Manager|Helper|Service)\b/.test(text)).map(({ path }) => path);
    expect(named).toEqual([]);
  });
});
