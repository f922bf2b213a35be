// The page's files, made ready once at the start: the program bundled in memory, the rest read as it is. Nothing comes from elsewhere.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

export interface PageFile {
  readonly type: string;
  readonly body: Uint8Array | string;
}

const folder = join(import.meta.dirname, "client");

/** By path, e.g. "/page.js". */
export async function bundlePage(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, css, { outputFiles }] = await Promise.all([
    readFile(join(folder, "index.html"), "utf8"),
    readFile(join(folder, "page.css"), "utf8"),
    build({
      entryPoints: [join(folder, "main.ts")],
      tsconfig: join(folder, "tsconfig.json"),
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      legalComments: "none",
      logLevel: "silent",
    }),
  ]);
  return new Map([
    ["/", { type: "text/html; charset=utf-8", body: html }],
    ["/page.css", { type: "text/css; charset=utf-8", body: css }],
    ["/page.js", { type: "text/javascript; charset=utf-8", body: outputFiles[0]?.contents ?? "" }],
  ]);
}
