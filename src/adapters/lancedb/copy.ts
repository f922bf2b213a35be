// Copies the indexes of all guilds between a folder and an object store, file by file: LanceDB's tables are files that are written once
// and name each other by their place in the table. Cut off anywhere, the next attempt does what is left.

import { createHash } from "node:crypto";
import { createWriteStream, openAsBlob } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import PQueue from "p-queue";
import { UserError } from "../../errors.ts";
import { addressOf, type IndexLocation } from "./location.ts";
import { objectsOf, type StoredObject } from "./objects.ts";

const FILES_AT_ONCE = 4;
/** Tells an unfinished copy of ours from what somebody else keeps there. */
const MARK = "unfinished-copy.txt";

/** Where the files of an index are; paths have slashes. */
interface Files {
  list(): Promise<StoredObject[]>;
  read(path: string): Promise<ReadableStream<Uint8Array>>;
  /** As `read`; of a folder's files, without taking them into memory. */
  blob(path: string): Promise<Blob>;
  /** Copies one of another place's. */
  take(path: string, from: Files): Promise<void>;
  put(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
}

export interface CopiedIndex {
  readonly files: number;
  readonly bytes: number;
  /** Of every file's path and content. */
  readonly hash: string;
}

/** @throws UserError when it cannot be done, saying why; TransientError */
export async function copyIndex(
  from: IndexLocation,
  to: IndexLocation,
  onProgress: (step: "copied" | "compared", bytes: number, of: number) => void,
): Promise<CopiedIndex> {
  const [source, target] = [filesAt(from), filesAt(to)];
  const present = await target.list();
  if (present.length > 0 && !present.some(({ path }) => path === MARK)) {
    throw new UserError(`${addressOf(to)} holds something already. Name an empty place. Nothing was changed.`);
  }
  await target.put(MARK, `a copy of ${addressOf(from)}`);
  const wanted = (await source.list()).filter(({ path }) => path !== MARK);
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);

  // Files never change, but for the names of versions; and whatever is half there has another size.
  const sizes = new Map(present.map(({ path, bytes }) => [path, bytes]));
  let done = 0;
  async function bring({ path, bytes }: StoredObject): Promise<void> {
    if (sizes.get(path) !== bytes || isNamed(path)) await target.take(path, source);
    done += bytes;
    onProgress("copied", done, total);
  }
  // A table is there as soon as a version of it is: oldest first, after what they are made of.
  const versions = wanted.filter(({ path }) => isVersion(path)).sort((a, b) => (a.path < b.path ? 1 : -1));
  await inParallel(
    wanted.filter(({ path }) => !isVersion(path)),
    bring,
  );
  for (const version of versions) await bring(version);
  const paths = new Set(wanted.map(({ path }) => path));
  for (const { path } of present) if (!paths.has(path) && path !== MARK) await target.remove(path);

  let compared = 0;
  const counted = (bytes: number) => {
    compared += bytes;
    onProgress("compared", compared / 2, total);
  };
  const [original, copy] = [await summary(source, counted), await summary(target, counted)];
  if (original.hash !== copy.hash) {
    throw new UserError(
      `The index changed while it was copied, or arrived damaged: ${original.files} files, ${copy.files} in the copy. Stop whatever works on it and run this again; it goes on where it was.`,
    );
  }
  await target.remove(MARK);
  return copy;
}

const isVersion = (path: string) => path.includes("/_versions/");
const isNamed = (path: string) => path.includes("/_refs/");

async function summary(files: Files, onFile: (bytes: number) => void): Promise<CopiedIndex> {
  const found = (await files.list()).filter(({ path }) => path !== MARK);
  const hashes = new Map<string, string>();
  await inParallel(found, async ({ path, bytes }) => {
    hashes.set(path, await hashOf(await files.read(path)));
    onFile(bytes);
  });
  const lines = [...hashes].map(([path, hash]) => `${path} ${hash}\n`).sort();
  const hash = createHash("sha256").update(lines.join("")).digest("hex");
  return { files: found.length, bytes: found.reduce((sum, { bytes }) => sum + bytes, 0), hash };
}

async function inParallel<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const queue = new PQueue({ concurrency: FILES_AT_ONCE });
  await queue.addAll(items.map((item) => () => act(item)));
}

async function hashOf(content: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of content) hash.update(part);
  return hash.digest("hex");
}

function filesAt(location: IndexLocation): Files {
  return typeof location === "string" ? folderFiles(location) : storeFiles(location);
}

function folderFiles(folder: string): Files {
  const at = (path: string) => join(folder, ...path.split("/"));
  const write = async (path: string, content: ReadableStream<Uint8Array>) => {
    await mkdir(dirname(at(path)), { recursive: true });
    await pipeline(Readable.fromWeb(content as never), createWriteStream(at(path)));
  };
  return {
    async list() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(whenAbsent);
      const paths = entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
      return await Promise.all(paths.map(async (path) => ({ path, bytes: (await stat(at(path))).size })));
    },
    read: async (path) => (await openAsBlob(at(path))).stream(),
    blob: (path) => openAsBlob(at(path)),
    take: async (path, from) => write(path, await from.read(path)),
    put: async (path, text) => write(path, new Blob([text]).stream()),
    remove: (path) => rm(at(path)),
  };
}

function whenAbsent(thrown: NodeJS.ErrnoException): [] {
  if (thrown.code === "ENOENT") return [];
  throw thrown;
}

function storeFiles(location: Exclude<IndexLocation, string>): Files {
  const objects = objectsOf(location);
  const write = async (path: string, content: Blob) => objects.write(path, content, await hashOf(content.stream()));
  return {
    list: () => objects.list(),
    read: objects.read,
    blob: async (path) => await new Response(await objects.read(path)).blob(),
    take: async (path, from) => write(path, await from.blob(path)),
    put: (path, text) => write(path, new Blob([text])),
    remove: objects.remove,
  };
}
