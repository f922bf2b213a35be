// The rules of the layout: which folder may import which, where vendors may be named, what a file may hold.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { insideBackfill, mayImport, openToAll, withPicture } from "./support/folder-rules.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const src = join(root, "src");

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path, text: readFileSync(join(src, path), "utf8") }));

/** The folder a file is in, under src, or "top" for the files beside them. */
const folderOf = (path: string) => (path.includes("/") ? (path.split("/")[0] ?? "") : "top");

function importsOf({ path, text }: { path: string; text: string }): { from: string; typeOnly: boolean }[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)"/gm);
  return [...statements].map(([, typeOnly, specifier = ""]) => ({
    from: specifier.startsWith(".") ? relative(src, resolve(dirname(join(src, path)), specifier)) : specifier,
    typeOnly: typeOnly !== undefined,
  }));
}

const mayNameVendor: Record<string, readonly RegExp[]> = {
  backfill: [/^p-queue$/, /^zod$/],
  sync: [/^p-queue$/],
  indexing: [/^p-queue$/, /^zod$/],
  importing: [/^zod$/],
  embedding: [/^p-queue$/],
  search: [/^p-queue$/],
  views: [/^discord-api-types/],
  commands: [/^discord\.js$/, /^discord-api-types/],
  async: [/^p-queue$/],
  ports: [],
};

describe("arrows between folders", () => {
  for (const file of files.filter(({ path }) => folderOf(path) !== "top")) {
    const folder = folderOf(file.path);
    test(`${file.path} imports only what its folder may`, () => {
      const local = importsOf(file).filter(({ from }) => from.endsWith(".ts"));
      const wrong = local.filter(({ from }) => {
        const other = folderOf(from) === "top" ? from : folderOf(from);
        return other !== folder && !openToAll.includes(other) && !mayImport[folder]?.includes(other);
      });
      expect(wrong.map(({ from }) => from)).toEqual([]);
    });
  }

  test("inside backfill they point down, too", () => {
    const rank = (path: string) => {
      const [folder, inner = ""] = path.split("/");
      if (folder !== "backfill") return -1;
      return inner.endsWith(".ts") ? insideBackfill.length : insideBackfill.indexOf(inner);
    };
    const inside = files.filter(({ path }) => path.startsWith("backfill/"));
    const unlisted = inside.filter(({ path }) => rank(path) === -1).map(({ path }) => path);
    const wrong = inside.flatMap((file) =>
      importsOf(file)
        .filter(({ from }) => rank(from) > rank(file.path))
        .map(({ from }) => `${file.path} -> ${from}`),
    );
    expect({ unlisted, wrong }).toEqual({ unlisted: [], wrong: [] });
  });

  test("are in the picture in CONTRIBUTING.md (else run: node tests/support/draw-folders.ts)", () => {
    const page = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
    expect(page).toContain("```mermaid");
    expect(withPicture(page)).toBe(page);
  });

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
  for (const [folder, allowed] of Object.entries(mayNameVendor)) {
    test(`${folder} names none but its own`, () => {
      const wrong = files
        .filter(({ path }) => folderOf(path) === folder)
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

const lengthOf = (text: string) => text.trimEnd().split("\n").length;

describe("files", () => {
  test("only config.ts reads the environment", () => {
    const readers = files.filter(({ text }) => text.includes("process.env")).map(({ path }) => path);
    expect(readers).toEqual(["app/config.ts"]);
  });

  test("no text names a command: an operator may have put a prefix before it", () => {
    const naming = files.flatMap(({ path, text }) =>
      text
        .split("\n")
        .filter(
          (line) => !/^\s*(\/\/|\/?\*|import )/.test(line) && /(?<![\w./}])\/(backfill|search|note)\b(?!\/)/.test(line),
        )
        .map((line) => `${path}: ${line.trim()}`),
    );
    // What stands in where nobody has said how it is called.
    expect(naming).toEqual([expect.stringContaining('command: "/backfill",')]);
  });

  test("every setting that config.ts knows is in the table of docs/configuration.md and in .env.example, and no other", () => {
    const namesIn = (path: string, pattern: RegExp) =>
      [...readFileSync(join(root, path), "utf8").matchAll(pattern)].map(([, name]) => name).sort();
    const known = ["src/app/config.ts", "src/app/embeddings-settings.ts"]
      .flatMap((file) => namesIn(file, /^ {2}([A-Z][A-Z0-9_]+): (?!\[)/gm))
      .sort();
    const table = readFileSync(join(root, "docs/configuration.md"), "utf8").match(/^\| `[A-Z].*$/gm) ?? [];
    const inTable = table.flatMap((row) =>
      [...(row.split("|")[1] ?? "").matchAll(/`([A-Z0-9_]+)`/g)].map(([, name]) => name),
    );
    expect(known).toContain("DISCORD_TOKEN");
    expect(inTable.sort()).toEqual(known);
    expect(namesIn(".env.example", /^([A-Z][A-Z0-9_]+)=/gm)).toEqual(known);
  });

  test("backfill tells facts with their numbers, and views make the words and write the numbers", () => {
    const wrong = files.flatMap(({ path, text }) => {
      if (!path.startsWith("backfill/")) return [];
      const code = text
        .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")
        // Why each arrow is there is said to who reads the code; an Error is for the log.
        .replace(/export const transitions = [\s\S]*?as const|new Error\(.*?\)/g, "");
      const strings = [...code.matchAll(/"[^"\n]*"|`[^`\n]*`/g)].map(([found]) => found);
      const told = strings.filter((each) => /\p{L}+,? \p{L}+,? \p{L}+/u.test(each));
      const written = /new UserError|toLocaleString|toFixed/.exec(code) ?? [];
      return [...told, ...written].map((found) => `${path}: ${found}`);
    });
    expect(wrong).toEqual([]);
  });

  test("each opens by saying what it owns", () => {
    const silent = files.filter(({ text }) => !text.startsWith("// ")).map(({ path }) => path);
    expect(silent).toEqual([]);
  });

  test("none is longer than 300 lines", () => {
    const long = files.filter(({ text }) => lengthOf(text) > 300).map(({ path }) => path);
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

  test("what a factory needs is listed by name, not handed on with whatever else is there", () => {
    const found = files.filter(({ text }) => /\.\.\.(?:parts|deps|dependencies|stores),?$/m.test(text));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test("no class is called Manager, Helper or Service", () => {
    const named = files.filter(({ text }) => /class \w*(Manager|Helper|Service)\b/.test(text)).map(({ path }) => path);
    expect(named).toEqual([]);
  });

  const replaced = /right.?of.?way|\breword|adrift|\bstir(red)?\b|\blen[dt]\b|workshop|make-?up\b|\bhouse\b/i;
  /** Of tests, benches and the stand-in, whose texts are about anything: names in code alone. */
  const replacedNames =
    /right.?of.?way|\breword|adrift|\b(open)?House\b|\bhouse[.,;]|const house\b|furnish|SightTracker/;

  test("the field's words are used, not private ones that were replaced by them", () => {
    const others = ["tests", "bench", "sandbox"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".ts") && path !== "layout.test.ts")
        .map((path) => ({ path: `${folder}/${path}`, text: readFileSync(join(root, folder, path), "utf8") })),
    );
    const wordsIn = (all: readonly { readonly path: string; readonly text: string }[], words: RegExp) =>
      all.flatMap(({ path, text }) => (words.exec(text) ?? []).slice(0, 1).map((word) => `${path}: ${word}`));
    expect([...wordsIn(files, replaced), ...wordsIn(others, replacedNames)]).toEqual([]);
  });
});
