// Old versions of a table: how long they stay, and the tags that name one for an emergency restore.

import type { Table } from "@lancedb/lancedb";

/** A tag keeps every version since, and with them every file that upkeep has replaced: not for ever, ... */
const TAG_KEEP_MS = 14 * 24 * 3_600_000;
/** ... and only while all versions together take no more than this: each upkeep would leave another copy of the index. */
const SMALL_BYTES = 100_000_000;
/** What old versions may take for long, as a share of the present one. */
const SHARE = 1 / 10;
/** Later than any version is made: all go but the present one. */
const AHEAD_MS = 3_600_000;

/** Counts the versions on disk. Listing them takes 0.2 ms each, so that is done once and after a clean-up. */
export function createVersionCount(table: Table) {
  let listed: Promise<{ readonly count: number; readonly latest: number }> | undefined;

  async function list() {
    const versions = await table.listVersions();
    return { count: versions.length, latest: Math.max(0, ...versions.map(({ version }) => version)) };
  }

  return {
    async count(): Promise<number> {
      listed ??= list();
      listed.catch(() => {
        listed = undefined;
      });
      const { count, latest } = await listed;
      return count + Math.max(0, (await table.version()) - latest);
    },
    recount() {
      listed = undefined;
    },
  };
}

/** Names the present version; a name given before moves here. */
export async function tagVersion(table: Table, name: string): Promise<void> {
  const tags = await table.tags();
  const version = await table.version();
  if (name in (await tags.list())) await tags.update(name, version);
  else await tags.create(name, version);
}

/**
 * Takes the names off versions: the next upkeep drops them like any others.
 * @param olderThanMs only those made so long ago
 * @returns how many names are left
 */
export async function untagVersions(table: Table, olderThanMs: number): Promise<number> {
  const tags = await table.tags();
  const tagged = Object.entries(await tags.list());
  if (tagged.length === 0) return 0;
  const made = new Map((await table.listVersions()).map(({ version, timestamp }) => [version, timestamp.getTime()]));
  const old = tagged.filter(([, { version }]) => Date.now() - (made.get(version) ?? 0) >= olderThanMs);
  for (const [name] of old) await tags.delete(name);
  return tagged.length - old.length;
}

/** Whether old versions take more than they are worth. @param onDisk all versions; `present`: the present one, with its indexes. Bytes */
export function isBulky(onDisk: number, present: number): boolean {
  return onDisk > SMALL_BYTES && onDisk - present > present * SHARE;
}

/**
 * Versions older than this may go. Never later than the oldest tag's version, since LanceDB refuses a clean-up that would reach
 * a tagged one; tags that have been kept long enough, or would keep too much, are given up first.
 * @param keepVersionsMs 0: also what is replaced while the table is put in order
 */
export async function pruneBefore(
  table: Table,
  keepVersionsMs: number,
  bytesOnDisk: () => Promise<number>,
): Promise<Date> {
  const now = Date.now();
  const times = [keepVersionsMs === 0 ? now + AHEAD_MS : now - keepVersionsMs];
  const tags = await table.tags();
  const tagged = Object.entries(await tags.list());
  if (tagged.length > 0) {
    const keepMs = (await bytesOnDisk()) > SMALL_BYTES ? 0 : TAG_KEEP_MS;
    const made = new Map((await table.listVersions()).map(({ version, timestamp }) => [version, timestamp.getTime()]));
    for (const [name, { version }] of tagged) {
      const time = made.get(version) ?? 0;
      if (now - time >= keepMs) await tags.delete(name);
      else times.push(time);
    }
  }
  return new Date(Math.min(...times));
}
