// Which versions were measured.

import { readFileSync } from "node:fs";

const PACKAGES = ["@lancedb/lancedb", "@deno/kv", "openai", "discord.js"];

export function versions(): string {
  const root = new URL("../package.json", import.meta.url);
  const own = JSON.parse(readFileSync(root, "utf8")) as { version: string };
  const others = PACKAGES.map((name) => {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    return `${name} ${(JSON.parse(readFileSync(file, "utf8")) as { version: string }).version}`;
  });
  return [`Backscroll ${own.version}`, `Node ${process.versions.node}`, ...others].join(", ");
}
