// Copying the indexes between places, cut off and damaged: what arrives is whole, or it is said that it is not.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { beforeEach, describe, expect, test } from "vitest";
import { copyIndex } from "../../../src/adapters/lancedb/copy.ts";
import { TransientError, UserError } from "../../../src/errors.ts";
import { temporaryFolder } from "../../support/backscroll.ts";
import { listenForTest } from "../../support/listen.ts";

const MARK = "unfinished-copy.txt";
/** Later versions have lower names, as LanceDB's have. */
const FILES = {
  "g1.lance/data/one.lance": "rows of one",
  "g1.lance/data/two.lance": "rows of two",
  "g1.lance/_indices/abc/page.lance": "words",
  "g1.lance/_refs/tags/before-run.json": '{"version":1}',
  "g1.lance/_versions/18446744073709551613.manifest": "version 2",
  "g1.lance/_versions/18446744073709551614.manifest": "version 1",
};
const TOTAL = Object.values(FILES).reduce((sum, text) => sum + text.length, 0);
const NO_PROGRESS = () => {};

let from: string;
let to: string;
beforeEach(async () => {
  from = await temporaryFolder();
  to = join(await temporaryFolder(), "new", "place");
  for (const [path, text] of Object.entries(FILES)) await put(from, path, text);
});

async function put(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

async function contentOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(
    paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path, "utf8")]),
  );
  return Object.fromEntries(texts);
}

describe("from folder to folder", () => {
  test("every file arrives, is compared, and nothing else is left there", async () => {
    const steps: string[] = [];
    const copied = await copyIndex(from, to, (step, bytes, of) => steps.push(`${step} ${bytes}/${of}`));
    expect(await contentOf(to)).toEqual(FILES);
    expect(await contentOf(from)).toEqual(FILES);
    expect(copied).toMatchObject({ files: 6, bytes: TOTAL });
    expect(steps.filter((step) => step.startsWith("copied")).at(-1)).toBe(`copied ${TOTAL}/${TOTAL}`);
    expect(steps.at(-1)).toBe(`compared ${TOTAL}/${TOTAL}`);
  });

  test("the hash tells paths and contents apart", async () => {
    const { hash } = await copyIndex(from, to, NO_PROGRESS);
    const other = join(await temporaryFolder(), "other");
    expect((await copyIndex(to, other, NO_PROGRESS)).hash).toBe(hash);
    await put(from, "g1.lance/data/one.lance", "rows of 0ne");
    const edited = (await copyIndex(from, join(await temporaryFolder(), "edited"), NO_PROGRESS)).hash;
    await rm(join(from, "g1.lance/data/one.lance"));
    await put(from, "g1.lance/data/three.lance", "rows of one");
    const renamed = (await copyIndex(from, join(await temporaryFolder(), "renamed"), NO_PROGRESS)).hash;
    expect(new Set([hash, edited, renamed]).size).toBe(3);
  });

  test("a place that holds something of somebody else's is left alone", async () => {
    await put(to, "letters/to-my-mother.txt", "Dear mother");
    const copying = copyIndex(from, to, NO_PROGRESS);
    await expect(copying).rejects.toThrow(UserError);
    await expect(copying).rejects.toThrow(/holds something already.*Nothing was changed/);
    expect(await contentOf(to)).toEqual({ "letters/to-my-mother.txt": "Dear mother" });
  });

  test("a finished copy is somebody's, too: it is not written over", async () => {
    await copyIndex(from, to, NO_PROGRESS);
    await expect(copyIndex(from, to, NO_PROGRESS)).rejects.toThrow(/holds something already/);
  });

  test("no version is there before all that it is made of, and none before the one before it", async () => {
    // In the way of one file: the attempt ends there.
    const blocked = async (path: string) => {
      await mkdir(join(to, path), { recursive: true });
      await put(to, MARK, "");
      await expect(copyIndex(from, to, NO_PROGRESS)).rejects.toThrow();
      const arrived = Object.keys(await contentOf(to)).filter((each) => each.includes("_versions"));
      await rm(join(to, path), { recursive: true });
      return arrived;
    };
    expect(await blocked("g1.lance/_indices/abc/page.lance")).toEqual([]);
    expect(await blocked("g1.lance/_versions/18446744073709551614.manifest")).toEqual([]);
    expect(await blocked("g1.lance/_versions/18446744073709551613.manifest")).toEqual([
      "g1.lance/_versions/18446744073709551614.manifest",
    ]);
    await copyIndex(from, to, NO_PROGRESS);
    expect(await contentOf(to)).toEqual(FILES);
  });

  test("cut off, it goes on: what is whole stays, what is half there comes anew, what is too much goes, names are read again", async () => {
    const long = new Date(Date.UTC(2020, 0, 1));
    await put(to, MARK, "a copy");
    await put(to, "g1.lance/data/one.lance", "rows of one");
    await utimes(join(to, "g1.lance/data/one.lance"), long, long);
    await put(to, "g1.lance/data/two.lance", "rows of");
    // As long as the new one, of a version that had the name before.
    await put(to, "g1.lance/_refs/tags/before-run.json", '{"version":0}');
    await put(to, "g1.lance/data/compacted-away.lance", "rows of the past");
    await copyIndex(from, to, NO_PROGRESS);
    expect(await contentOf(to)).toEqual(FILES);
    expect((await stat(join(to, "g1.lance/data/one.lance"))).mtime).toEqual(long);
  });

  test("what changes while it is copied is noticed, and can be taken up", async () => {
    const changing = copyIndex(from, to, (step) => {
      if (step === "copied") writeFileSync(join(from, "g1.lance/data/late.lance"), "late");
    });
    await expect(changing).rejects.toThrow(/changed while it was copied, .*: 7 files, 6 in the copy/);
    expect(Object.keys(await contentOf(to))).toContain(MARK);
    await copyIndex(from, to, NO_PROGRESS);
    expect(await contentOf(to)).toEqual({ ...FILES, "g1.lance/data/late.lance": "late" });
  });

  test("what arrived damaged is noticed, though it is as long as it should be", async () => {
    await put(to, MARK, "a copy");
    await put(to, "g1.lance/data/one.lance", "rows of 0ne");
    await expect(copyIndex(from, to, NO_PROGRESS)).rejects.toThrow(/arrived damaged: 6 files, 6 in the copy/);
  });

  test("a place that cannot be looked into is not taken for an empty one", async () => {
    await expect(copyIndex(join(from, "g1.lance/data/one.lance"), to, NO_PROGRESS)).rejects.toThrow("ENOTDIR");
  });

  test("an index with nothing in it is copied, too", async () => {
    const copied = await copyIndex(join(from, "nothing-here"), to, NO_PROGRESS);
    expect(copied).toMatchObject({ files: 0, bytes: 0 });
    expect(await contentOf(to)).toEqual({});
  });
});

/** A store that checks what it is sent, and can spoil one object. */
async function startStore(spoiled?: string) {
  const objects = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://store");
    const key = decodeURIComponent(url.pathname).slice("/bucket/".length);
    if (request.method === "PUT") {
      const content = await buffer(request);
      const hash = createHash("sha256").update(content).digest("hex");
      if (request.headers["x-amz-content-sha256"] !== hash)
        return response.writeHead(400).end("<Code>BadDigest</Code>");
      objects.set(key, content);
      return response.end();
    }
    if (request.method === "DELETE") return response.writeHead(objects.delete(key) ? 204 : 404).end();
    if (url.searchParams.has("list-type")) {
      const prefix = url.searchParams.get("prefix") ?? "";
      const found = [...objects].filter(([each]) => each.startsWith(prefix));
      const entries = found.map(
        ([each, { length }]) => `<Contents><Key>${each}</Key><Size>${length}</Size></Contents>`,
      );
      return response.end(`<ListBucketResult>${entries.join("")}</ListBucketResult>`);
    }
    const content = objects.get(key);
    if (content === undefined) return response.writeHead(404).end();
    response.writeHead(200, { "content-length": content.length });
    if (!key.endsWith(spoiled ?? "\n")) return response.end(content);
    // Dies in the middle of its answer.
    response.write(content.subarray(0, 3), () => response.destroy());
    spoiled = undefined;
    return response;
  });
  const endpoint = await listenForTest(server);
  return { objects, location: { uri: "s3://bucket/some/prefix", accessKey: "key", secretKey: "secret", endpoint } };
}

describe("to an object store and back", () => {
  test("everything arrives under the prefix, and comes back the same", async () => {
    const { objects, location } = await startStore();
    objects.set("some/prefixed-otherwise", Buffer.from("not ours"));
    const there = await copyIndex(from, location, NO_PROGRESS);
    expect([...objects.keys()].sort()).toEqual(
      [...Object.keys(FILES).map((path) => `some/prefix/${path}`), "some/prefixed-otherwise"].sort(),
    );
    const back = await copyIndex(location, to, NO_PROGRESS);
    expect(await contentOf(to)).toEqual(FILES);
    expect(back.hash).toBe(there.hash);
  });

  test("from a store that dies in the middle of an object, the copy fails, and its next attempt brings it whole", async () => {
    const half = await startStore("data/two.lance");
    for (const [path, text] of Object.entries(FILES)) half.objects.set(`some/prefix/${path}`, Buffer.from(text));
    await expect(copyIndex(half.location, to, NO_PROGRESS)).rejects.toThrow();
    expect(Object.keys(await contentOf(to)).filter((path) => path.includes("_versions"))).toEqual([]);
    await copyIndex(half.location, to, NO_PROGRESS);
    expect(await contentOf(to)).toEqual(FILES);
  });

  test("a store that cannot be reached is worth another attempt", async () => {
    const { location } = await startStore();
    const gone = { ...location, endpoint: "http://127.0.0.1:1" };
    await expect(copyIndex(from, gone, NO_PROGRESS)).rejects.toThrow(TransientError);
  });
});
