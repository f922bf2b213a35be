import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packagesWithParts, platformProblem, type SystemFacts, systemFacts, systems } from "../../src/app/platform.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Locked {
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}
const locked = (JSON.parse(read("package-lock.json")) as { packages: Record<string, Locked> }).packages;

/** Whether a package has a part for a system, by what its parts say of themselves. */
function hasPart(name: string, os: string, cpu: string, libc: string | undefined): boolean {
  return Object.entries(locked).some(
    ([path, part]) =>
      path.startsWith(`node_modules/${name}-`) &&
      part.os?.includes(os) &&
      part.cpu?.includes(cpu) &&
      (libc === undefined || part.libc === undefined || part.libc.includes(libc)),
  );
}

const fine: SystemFacts = {
  platform: "linux",
  arch: "x64",
  glibc: "2.36",
  processorFlags: new Set(["avx2", "fma", "f16c"]),
  has: () => true,
};

describe("where it cannot run, that is told in a sentence:", () => {
  test.each<[string, Partial<SystemFacts>, RegExp]>([
    ["an Intel Mac", { platform: "darwin", arch: "x64" }, /Mac with an Intel processor.*Run it in Docker/],
    ["musl", { glibc: undefined }, /Linux with musl, such as Alpine.*node:24-slim/],
    ["a processor without AVX2", { processorFlags: new Set(["sse4_2", "fma", "f16c"]) }, /needs AVX2, which/],
    ["32 bits", { arch: "arm" }, /does not run on linux arm/],
    ["FreeBSD", { platform: "freebsd" }, /does not run on freebsd x64/],
    ["Windows on ARM", { platform: "win32", arch: "arm64" }, /does not run on win32 arm64/],
    ["a part that is missing", { has: (name) => !name.startsWith("@deno") }, /\(@deno\/kv-linux-x64-gnu\).*npm ci/],
  ])("%s", (_what, facts, told) => {
    expect(platformProblem({ ...fine, ...facts })).toMatch(told);
  });

  test("and nowhere else", () => {
    expect(platformProblem(systemFacts())).toBeUndefined();
    expect(platformProblem(fine)).toBeUndefined();
    // What the system does not tell is no reason.
    expect(platformProblem({ ...fine, processorFlags: undefined })).toBeUndefined();
    expect(platformProblem({ ...fine, platform: "darwin", arch: "arm64", glibc: undefined })).toBeUndefined();
    expect(systemFacts().has("@lancedb/lancedb-no-such-system")).toBe(false);
  });
});

describe("docs/platforms.md", () => {
  const rows = [...read("docs/platforms.md").matchAll(/^\| (Linux|macOS|Windows) (x64|arm64)([^|]*)\|([^\n]*)\|$/gm)];
  const names: Readonly<Record<string, string>> = { Linux: "linux", macOS: "darwin", Windows: "win32" };

  test.each(rows.map(([row, ...cells]) => [row, ...cells] as const))("%s", (_row, system, arch, libc, cells) => {
    const os = names[system ?? ""] ?? "";
    const said = (cells ?? "").split("|").map((cell) => cell.trim());
    const isMusl = libc?.includes("musl") ?? false;
    const parts = packagesWithParts.map((name) =>
      hasPart(name, os, arch ?? "", os === "linux" ? (isMusl ? "musl" : "glibc") : undefined),
    );
    expect(said.slice(0, 3)).toEqual(parts.map((has) => (has ? "yes" : "no")));
    const runs = parts.every(Boolean);
    expect(said[3]?.startsWith("yes")).toBe(runs);
    const facts = { ...fine, platform: os, arch: arch ?? "", glibc: isMusl ? undefined : "2.36" };
    expect(platformProblem(facts) === undefined).toBe(runs);
  });

  test("has all systems that it runs on, and the parts are called as we think", () => {
    expect(rows).toHaveLength(8);
    for (const part of Object.values(systems)) {
      for (const name of packagesWithParts) expect(locked).toHaveProperty([`node_modules/${name}-${part}`]);
    }
  });
});
