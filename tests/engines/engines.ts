// The remote engines that Backscroll is tested on, each in one version, and where they are kept. BACKSCROLL_ENGINES names
// another folder than the one in the home folder's cache.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Engine {
  readonly name: string;
  readonly version: string;
  /** How it is built into a folder, whose `bin` then has it. */
  build(folder: string): {
    readonly command: string;
    readonly args: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
  };
  /** How long a first build takes, in words. */
  readonly patience: string;
}

/** Deno KV over KV Connect, on SQLite. */
export const denokv: Engine = {
  name: "denokv",
  version: "0.14.0",
  build: (folder) => ({
    command: "cargo",
    args: ["install", "denokv", "--version", "0.14.0", "--locked", "--root", folder],
  }),
  patience: "about ten minutes on two cores",
};

/** An S3 gateway in front of a folder. */
export const versitygw: Engine = {
  name: "versitygw",
  version: "1.8.0",
  build: (folder) => ({
    command: "go",
    args: ["install", "github.com/versity/versitygw/cmd/versitygw@v1.8.0"],
    environment: { GOBIN: join(folder, "bin") },
  }),
  patience: "about three minutes on two cores",
};

export const engines: readonly Engine[] = [denokv, versitygw];

export function engineFolder({ name, version }: Engine): string {
  const { BACKSCROLL_ENGINES } = process.env;
  const cache = BACKSCROLL_ENGINES ?? join(homedir(), ".cache", "backscroll-engines");
  return join(cache, `${name}-${version}`);
}

export function binaryOf(engine: Engine): string {
  return join(engineFolder(engine), "bin", engine.name);
}

export function isInstalled(engine: Engine): boolean {
  return existsSync(binaryOf(engine));
}
