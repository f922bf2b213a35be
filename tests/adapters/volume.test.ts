// Whether a folder lies on an encrypted volume, by a copy of what Linux says of its mounts and devices.

import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { volumeOf } from "../../src/adapters/system.ts";

/** @param devices by their kernel name: dm's uuid and name, and what each is made of */
async function machine(
  mounts: (folder: string) => string,
  devices: Record<string, { uuid?: string; name?: string; on?: string[] }>,
) {
  const root = await realpath(await mkdtemp(join(tmpdir(), "backscroll-volume-")));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  for (const [name, { uuid, name: mapped, on = [] }] of Object.entries(devices)) {
    await write(`block/${name}/size`, "1\n");
    if (uuid !== undefined) await write(`block/${name}/dm/uuid`, `${uuid}\n`);
    if (mapped !== undefined) await write(`block/${name}/dm/name`, `${mapped}\n`);
    for (const below of on) await write(`block/${name}/slaves/${below}/size`, "1\n");
  }
  await mkdir(join(root, "my data"));
  await write("mounts", mounts(join(root, "my data").replaceAll(" ", "\\040")));
  const system = { mounts: join(root, "mounts"), block: join(root, "block") };
  return { data: (below = "") => volumeOf(join(root, "my data", below), system), root: () => volumeOf(root, system) };
}

const LUKS = { uuid: "CRYPT-LUKS2-0f0f-secret", name: "secret" };

test("a volume opened by LUKS is one, for all that lies in it, also what is not there yet; what lies beside it is not", async () => {
  const { data, root } = await machine(
    (folder) => `proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\n/dev/mapper/secret ${folder} ext4 rw 0 0\n`,
    { sda1: {}, "dm-0": { ...LUKS, on: ["sda2"] } },
  );
  expect([await data(), await data("not/there/yet"), await root()]).toEqual(["encrypted", "encrypted", "not-known"]);
});

test("so is one that is made of such, whatever lies between, but not if a part of it is in the clear", async () => {
  const lvm = { uuid: "LVM-abc", name: "vg-data" };
  const mounts = (folder: string) => `/dev/mapper/vg-data ${folder} xfs rw 0 0\n`;
  const whole = await machine(mounts, { "dm-1": { ...lvm, on: ["md0"] }, md0: { on: ["dm-0"] }, "dm-0": LUKS });
  const half = await machine(mounts, { "dm-1": { ...lvm, on: ["dm-0", "sdb1"] }, "dm-0": LUKS, sdb1: {} });
  expect([await whole.data(), await half.data()]).toEqual(["encrypted", "not-known"]);
});

test("a file system that encrypts by itself is one; of the mounts on one folder the latest counts", async () => {
  const { data } = await machine(
    (folder) => `/dev/mapper/secret ${folder} ext4 rw 0 0\ngocryptfs ${folder} fuse.gocryptfs rw 0 0\n`,
    { "dm-0": LUKS },
  );
  const covered = await machine(
    (folder) => `/dev/mapper/secret ${folder} ext4 rw 0 0\ntmpfs ${folder} tmpfs rw 0 0\n`,
    { "dm-0": LUKS },
  );
  expect([await data(), await covered.data()]).toEqual(["encrypted", "not-known"]);
});

test("where the system tells nothing, it is not known", async () => {
  expect(await volumeOf("/", { mounts: "/no/such/file", block: "/no/such/folder" })).toBe("not-known");
  expect(["encrypted", "not-known"]).toContain(await volumeOf("."));
});
