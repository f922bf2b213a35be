// The child process as plain JavaScript: hundreds of starts through a TypeScript loader would take longer than what they test.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import ts from "typescript";

const ROOT = join(import.meta.dirname, "../..");
/** Inside the project, so that packages are found; never committed. */
const OUT = join(ROOT, "node_modules/.cache/torture");

/** @returns the file to start */
export async function compileChild(): Promise<string> {
  for (const folder of ["src", "tests/support"]) {
    for (const path of await readdir(join(ROOT, folder), { recursive: true })) {
      if (!path.endsWith(".ts")) continue;
      const text = await readFile(join(ROOT, folder, path), "utf8");
      const { outputText } = ts.transpileModule(text, {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2023,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      });
      const compiled = join(OUT, folder, path.replace(/\.ts$/, ".js"));
      await mkdir(dirname(compiled), { recursive: true });
      await writeFile(compiled, outputText);
    }
  }
  await writeFile(join(OUT, "package.json"), JSON.stringify({ type: "module" }));
  return join(OUT, "tests/support/engine-child.js");
}
