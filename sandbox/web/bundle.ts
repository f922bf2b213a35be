// The page's files, made ready in memory once at the start: program and styles are bundled. Nothing comes from elsewhere.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

export interface PageFile {
  readonly type: string;
  readonly body: Uint8Array | string;
}

const folder = join(import.meta.dirname, "client");

let ready: Promise<ReadonlyMap<string, PageFile>> | undefined;

/** By path, e.g. "/page.js"; made once in a process. */
export function bundlePage(): Promise<ReadonlyMap<string, PageFile>> {
  ready ??= bundle();
  return ready;
}

async function bundle(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, { outputFiles }] = await Promise.all([
    readFile(join(folder, "index.html"), "utf8"),
    build({
      entryPoints: { page: join(folder, "main.ts"), style: join(folder, "page.css") },
      outdir: folder,
      tsconfig: join(folder, "tsconfig.json"),
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      legalComments: "none",
      logLevel: "silent",
    }),
  ]);
  const outputOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.contents ?? "";
  return new Map<string, PageFile>([
    ["/", { type: "text/html; charset=utf-8", body: html }],
    ["/style.css", { type: "text/css; charset=utf-8", body: outputOf(".css") }],
    ["/page.js", { type: "text/javascript; charset=utf-8", body: outputOf(".js") }],
  ]);
}
