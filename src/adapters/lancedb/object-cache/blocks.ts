// Pieces of objects that never change, as files in a folder of bounded size: what was used longest ago goes first, and nothing stays
// longer than it may, used or not. Calls are synchronous: the files are in the system's page cache mostly, and this thread has nothing
// else to do.

import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writevSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/** Behind each block: a file may have been torn by a loss of power. */
const CHECKSUM_BYTES = 4;

const BLOCK_NAME = /^[0-9a-f]+-\d+$/;
/** Whoever was writing it is gone. */
const UNFINISHED_MS = 60_000;

export interface BlockLimits {
  /** All files together. */
  readonly maxBytes: number;
  /** Milliseconds: what was deleted at its source is gone here, too, after this. */
  readonly keepMs: number;
}

export interface BlockCache extends Pick<BlockLimits, "maxBytes"> {
  /** @param name as a file's: a hash in hexadecimal, "-" and a number */
  has(name: string): boolean;
  /** @returns bytes from `start` to `end` of a block; undefined when it is not here, or damaged */
  read(name: string, start: number, end: number): Buffer | undefined;
  /** What cannot be written, on a full disk say, is not kept. */
  write(name: string, content: Buffer): void;
  /** Removes what has been here too long. The folder may have gone meanwhile: it is made again. */
  sweep(): void;
}

interface Entry {
  readonly bytes: number;
  readonly since: number;
  /** Checked against its checksum, or written, by this process. */
  isGood: boolean;
}

/**
 * @param folder made when missing, only for this; other processes may use it, too
 * @param now milliseconds since 1970, as files are dated
 */
export function openBlockCache(folder: string, { maxBytes, keepMs }: BlockLimits, now = Date.now): BlockCache {
  /** By file name, the longest unused first. */
  const entries = new Map<string, Entry>();
  let total = 0;

  /** What an earlier process left, or another one has written. */
  function adopt(): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found: [string, Entry][] = [];
    for (const name of readdirSync(folder)) {
      if (entries.has(name)) continue;
      const { size, mtimeMs } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 };
      if (BLOCK_NAME.test(name)) found.push([name, { bytes: size, since: mtimeMs, isGood: false }]);
      else if (now() - mtimeMs > UNFINISHED_MS) removeFile(name);
    }
    for (const [name, entry] of found.sort(([, one], [, other]) => one.since - other.since)) keep(name, entry);
  }

  function keep(name: string, entry: Entry): void {
    total += entry.bytes;
    entries.set(name, entry);
  }

  function drop(name: string): void {
    total -= entries.get(name)?.bytes ?? 0;
    entries.delete(name);
    removeFile(name);
  }

  function removeFile(name: string): void {
    try {
      rmSync(join(folder, name), { force: true });
    } catch {
      // The disk has become read-only, say: nothing is read from it any more all the same.
    }
  }

  function makeRoom(): void {
    for (const name of entries.keys()) {
      if (total <= maxBytes) return;
      drop(name);
    }
  }

  /** A clock that was set back makes nothing stay longer. */
  const isOver = ({ since }: Entry) => now() - since > keepMs || since > now() + keepMs;

  function tidy(): void {
    for (const [name, entry] of entries) if (isOver(entry)) drop(name);
    makeRoom();
  }

  function readFile(name: string, entry: Entry, start: number, end: number): Buffer | undefined {
    const file = openSync(join(folder, name), "r");
    try {
      const from = entry.isGood ? start : 0;
      const until = entry.isGood ? end : entry.bytes;
      const content = Buffer.allocUnsafe(until - from);
      if (readSync(file, content, 0, content.length, from) !== content.length) return undefined;
      if (entry.isGood) return content;
      const block = content.subarray(0, -CHECKSUM_BYTES);
      if (content.length < CHECKSUM_BYTES || crc32(block) !== content.readUInt32LE(block.length)) return undefined;
      entry.isGood = true;
      return block.subarray(start, end);
    } finally {
      closeSync(file);
    }
  }

  adopt();
  tidy();
  return {
    maxBytes,
    has(name) {
      const entry = entries.get(name);
      return entry !== undefined && !isOver(entry);
    },
    read(name, start, end) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      try {
        const content = isOver(entry) ? undefined : readFile(name, entry, start, end);
        if (content !== undefined) {
          entries.delete(name);
          entries.set(name, entry);
          return content;
        }
      } catch {
        // Somebody has removed it.
      }
      drop(name);
      return undefined;
    },
    write(name, content) {
      if (entries.has(name)) drop(name);
      const checksum = Buffer.alloc(CHECKSUM_BYTES);
      checksum.writeUInt32LE(crc32(content));
      const unfinished = join(folder, `${name}.new`);
      try {
        writeParts(unfinished, [content, checksum]);
        renameSync(unfinished, join(folder, name));
      } catch {
        removeFile(`${name}.new`);
        return;
      }
      keep(name, { bytes: content.length + CHECKSUM_BYTES, since: now(), isGood: true });
      makeRoom();
    },
    sweep() {
      try {
        adopt();
      } catch {
        // Somebody has put something else in its place: all is read from the store until that is gone.
      }
      tidy();
    },
  };
}

function writeParts(path: string, parts: readonly Buffer[]): void {
  const file = openSync(path, "w", 0o600);
  try {
    const written = writevSync(file, parts);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (written !== length) throw new Error(`${written} bytes of ${length} were written`);
  } finally {
    closeSync(file);
  }
}
