// Which systems the parts of Backscroll that are no JavaScript exist for: told in a sentence, before one of them ends the process or is
// not found. docs/platforms.md has the same as a table, and a test holds both to what the packages say.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The packages that have a part for each system: the index, the archive, the charts. */
export const packagesWithParts = ["@lancedb/lancedb", "@deno/kv", "@resvg/resvg-js"] as const;

/** By platform and architecture of Node: what the parts for it are called after. */
export const systems: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64-gnu",
  "linux-arm64": "linux-arm64-gnu",
  "darwin-arm64": "darwin-arm64",
  "win32-x64": "win32-x64-msvc",
};

/** The index's part for Linux on x64 is compiled for these, of a processor of 2013 or later. */
const PROCESSOR_NEEDS = ["avx2", "fma", "f16c"];

export interface SystemFacts {
  /** As Node calls them. */
  readonly platform: string;
  readonly arch: string;
  /** Undefined where there is none, as with musl. */
  readonly glibc: string | undefined;
  /** As /proc/cpuinfo tells them; undefined when it does not. */
  readonly processorFlags: ReadonlySet<string> | undefined;
  /** Whether a package is installed. */
  has(name: string): boolean;
}

/** @returns why Backscroll cannot run here, and what to do; undefined when it can */
export function platformProblem({ platform, arch, glibc, processorFlags, has }: SystemFacts): string | undefined {
  const see = "docs/platforms.md says where it runs.";
  if (platform === "darwin" && arch === "x64") {
    return `Backscroll does not run on a Mac with an Intel processor: the search index (LanceDB) is not made for it. Run it in Docker, or on another machine; ${see}`;
  }
  const system = systems[`${platform}-${arch}`];
  if (system === undefined) {
    return `Backscroll does not run on ${platform} ${arch}: the search index (LanceDB) or the archive (Deno KV) is not made for it; ${see}`;
  }
  if (platform === "linux" && glibc === undefined) {
    return `Backscroll does not run on a Linux with musl, such as Alpine: the archive (Deno KV) needs glibc. Use one with glibc, e.g. the image node:24-slim; ${see}`;
  }
  const lacks =
    platform === "linux" && arch === "x64" ? PROCESSOR_NEEDS.filter((flag) => processorFlags?.has(flag) === false) : [];
  if (lacks.length > 0) {
    return `Backscroll does not run on this processor: the search index (LanceDB) needs ${lacks.map((flag) => flag.toUpperCase()).join(", ")}, which it does not have. On a virtual machine, have the host's processor passed through; ${see}`;
  }
  const missing = packagesWithParts.map((name) => `${name}-${system}`).filter((name) => !has(name));
  if (missing.length > 0) {
    return `A part of Backscroll for this system is not installed (${missing.join(", ")}). Install it on this machine, optional packages included: npm ci, not a copy of another machine's node_modules and not --omit=optional.`;
  }
  return undefined;
}

/** What is so here. */
export function systemFacts(): SystemFacts {
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: process.platform === "linux" ? glibcVersion() : undefined,
    processorFlags: process.platform === "linux" ? processorFlags() : undefined,
    has: isInstalled,
  };
}

function glibcVersion(): string | undefined {
  // The addresses of the network are looked up otherwise, which takes seconds where that is slow.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}

function processorFlags(): ReadonlySet<string> | undefined {
  try {
    const [, flags] = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8")) ?? [];
    return flags === undefined ? undefined : new Set(flags.trim().split(/\s+/));
  } catch {
    // Where the system does not tell, it is tried.
    return undefined;
  }
}

function isInstalled(name: string): boolean {
  const owner = packagesWithParts.find((each) => name.startsWith(each));
  try {
    // As the package that needs it looks for it: beside itself, wherever that is.
    const from = createRequire(import.meta.url).resolve(owner ?? name);
    createRequire(from).resolve(name);
    return true;
  } catch {
    return false;
  }
}
