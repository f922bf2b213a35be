import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratch } from "../../src/adapters/lancedb/scratch.ts";

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "backscroll-test-"));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

test("a scratch folder is one's own, goes when told to, and those of processes that are no more go with the next", async () => {
  const dead = spawnSync(process.execPath, ["--version"]).pid;
  const left = [
    `backscroll-scratch-${dead}-aaaaaa`,
    `backscroll-scratch-${process.pid}-bbbbbb`,
    "backscroll-scratch-old",
  ];
  const kept = [`backscroll-scratch-${process.ppid}-cccccc`, "another"];
  for (const name of [...left, ...kept]) {
    await mkdir(join(parent, name, "sorted"), { recursive: true });
    await writeFile(join(parent, name, "sorted", "file"), "words");
  }

  const scratch = createScratch(parent);
  expect((await stat(scratch.folder)).mode & 0o777).toBe(0o700);
  expect((await readdir(parent)).sort()).toEqual([...kept, basename(scratch.folder)].sort());
  expect(await readdir(scratch.folder)).toEqual([]);

  await mkdir(join(scratch.folder, "deep", "er"), { recursive: true });
  scratch.remove();
  scratch.remove();
  expect((await readdir(parent)).sort()).toEqual([...kept].sort());
});
