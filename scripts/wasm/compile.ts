// Compiles closest-words.as.ts, beside this file, into src/search/closest-words-wasm.ts: npm run wasm

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const SOURCE = "scripts/wasm/closest-words.as.ts";
const OPTIONS = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--importMemory", "--noExportMemory"];

export const COMPILED = join(ROOT, "src/search/closest-words-wasm.ts");

/** @returns what COMPILED holds. In base64: it is small, and no file that a package may miss. */
export function compile(): string {
  const folder = mkdtempSync(join(tmpdir(), "backscroll-wasm-"));
  try {
    const binary = join(folder, "closest-words.wasm");
    const compiler = join(ROOT, "node_modules/assemblyscript/bin/asc.js");
    execFileSync(process.execPath, [compiler, SOURCE, ...OPTIONS, "--outFile", binary], { cwd: ROOT });
    const lines = readFileSync(binary, "base64").match(/.{1,110}/g) ?? [];
    return [
      `// Made of ${SOURCE}, which tells what it does: npm run wasm`,
      "",
      "export const CLOSEST_WORDS_WASM =",
      `${lines.map((line) => `  "${line}"`).join(" +\n")};`,
      "",
    ].join("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) writeFileSync(COMPILED, compile());
