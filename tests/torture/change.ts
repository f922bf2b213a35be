// npm run torture -- --change: a model is changed in the middle of a backfill, and the process is killed at random moments until the present
// model has everything. After each death whatever was searchable must be so still, and nothing may be found twice.

import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";
import { GUILD, openSetup, type Setup } from "../support/engine.ts";
import type { Changes } from "../support/engine-child.ts";
import { searchOf } from "../support/models.ts";
import { tortureRecords } from "./records.ts";
import { createVictim, type Victim } from "./victim.ts";

const CHILD = join(import.meta.dirname, "../support/engine-child.ts");
const LIVE_MESSAGES = 60;
const EVERYTHING = { newestId: LAST_SNOWFLAKE, oldestId: FIRST_SNOWFLAKE };
const EVERYBODY = { accessChannelIds: ["10", "11", "12"], viewerId: "20" };
/** Kills come like a Poisson process: on average so many in the time that an undisturbed change takes. */
const KILLS_PER_RUN = 12;
const MOST_KILLS_OF_A_RUN = 40;
/** So many searches after each death. */
const SEARCHES = 8;

export interface ChangeOutcome {
  readonly kills: number;
  /** Messages that no search finds any more, or that the index lacks, or has out of date, in the end. */
  readonly lost: number;
  /** Rows that are there more than once, or should not be there, in the end. */
  readonly duplicate: number;
  /** Messages that one search found twice. */
  readonly foundTwice: number;
  readonly runs: number;
  readonly statuses: readonly string[];
  readonly trouble: readonly string[];
}

export async function tortureChange(
  { kills: wanted, records, minutes }: { readonly kills: number; readonly records: number; readonly minutes: number },
  random: () => number,
): Promise<ChangeOutcome> {
  const startedAt = performance.now();
  const isOver = () => performance.now() - startedAt > minutes * 60_000;
  const base = await mkdtemp(join(tmpdir(), "backscroll-change-"));
  const former = await startEmbeddingServer({ dimensions: 16, latencyMs: 4 });
  const present = await startEmbeddingServer({ dimensions: 24, model: "other-embed", latencyMs: 4 });
  let [kills, lost, duplicate, foundTwice, runs] = [0, 0, 0, 0, 0];
  const statuses = new Set<string>();
  const trouble: string[] = [];
  try {
    const all = tortureRecords(records);
    const messages = all.filter(({ kind, content }) => kind === "message" && content !== "");
    const changes: Changes = {
      edited: messages.filter((_, n) => n % 50 === 3).map((each) => ({ ...each, ...edit(each) })),
      deleted: messages.filter((_, n) => n % 50 === 4).map(({ id }) => id),
    };
    const file = join(base, "changes.json");
    await writeFile(file, JSON.stringify(changes));
    const seed = await openSetup({ folder: join(base, "seed"), server: former });
    await seed.archive.save(GUILD, all, { pending: false });
    await seed.stop();
    const victimIn = async (name: string) => {
      await cp(join(base, "seed"), join(base, name), { recursive: true });
      return createVictim(join(base, name), CHILD, former.url, LIVE_MESSAGES, undefined, file);
    };
    const usePresent = (victim: Victim) => victim.useModel(present.url, { modelId: "other-embed", dimensions: 24 });

    const quiet = await victimIn("undisturbed");
    const before = await quiet.live();
    usePresent(quiet);
    const after = await quiet.live();
    if (before.ended !== "finished" || after.ended !== "finished") {
      throw new Error(`even undisturbed it ${before.ended}, and then ${after.ended}`);
    }
    const meanMs = after.tookMs / KILLS_PER_RUN;
    console.log(
      `Undisturbed: ${(before.tookMs / 1000).toFixed(1)} s, the change ${(after.tookMs / 1000).toFixed(1)} s.`,
    );
    console.log("\n  run  kills   lost  duplicate  found twice");

    while (kills < wanted && !isOver()) {
      const victim = await victimIn("victim");
      // The change comes somewhere in the middle of the former model's backfill, or after it.
      const life = await victim.live(random() * 1.5 * before.tookMs);
      if (life.ended === "killed") kills += 1;
      usePresent(victim);
      let searchable = new Set<string>();
      let deaths = 0;
      const here = { lost: 0, duplicate: 0, foundTwice: 0 };
      for (;;) {
        const isSpared = deaths >= MOST_KILLS_OF_A_RUN || kills >= wanted || isOver();
        const { ended } = await victim.live(isSpared ? undefined : -Math.log(1 - random()) * meanMs);
        const isDone = ended === "finished";
        if (ended === "killed") {
          kills += 1;
          deaths += 1;
        } else if (!isDone) {
          trouble.push(`a process ${ended}`);
        }
        const setup = await victim.open();
        try {
          const found = await lookAt(setup, searchable, new Set(changes.deleted), messages, random);
          searchable = found.searchable;
          here.lost += found.lost;
          here.foundTwice += found.twice;
          statuses.add(found.statuses);
          if (isDone) {
            const end = await setup.engine.verify(GUILD);
            here.lost += end.missing + end.stale;
            here.duplicate += end.duplicates + end.orphaned;
            if (found.statuses !== "current, retired") trouble.push(`it ended with ${found.statuses}`);
          }
        } finally {
          await setup.stop();
        }
        if (isDone || (isSpared && ended !== "killed")) break;
      }
      runs += 1;
      lost += here.lost;
      duplicate += here.duplicate;
      foundTwice += here.foundTwice;
      const columns = [runs, deaths, here.lost, here.duplicate, here.foundTwice];
      console.log(columns.map((value, at) => String(value).padStart([5, 7, 7, 11, 13][at] ?? 5)).join(""));
      await rm(join(base, "victim"), { recursive: true, force: true });
    }
  } finally {
    await former.close();
    await present.close();
    await rm(base, { recursive: true, force: true });
  }
  return { kills, lost, duplicate, foundTwice, runs, statuses: [...statuses], trouble };
}

const edit = ({ content }: ArchivedRecord) => ({ content: `edited ${content}`, editedAt: Date.UTC(2031, 0, 1) });

/** @param before what was searchable at the last look */
async function lookAt(
  setup: Setup,
  before: ReadonlySet<string>,
  deleted: ReadonlySet<string>,
  messages: readonly ArchivedRecord[],
  random: () => number,
) {
  const { searched } = await setup.indexes.open(GUILD);
  const searchable = new Set<string>();
  for (const { index } of searched) {
    for (const kind of ["message", "note"] as const) {
      for (const { id } of await index.keys(kind, EVERYTHING, 1_000_000)) searchable.add(id);
    }
  }
  // What is being rewritten at the moment of a death has its mark, and is searchable again as soon as somebody lives.
  const marked = new Set((await setup.archive.pending(GUILD, 10_000)).map(({ id }) => id));
  const lost = [...before].filter((id) => !searchable.has(id) && !deleted.has(id) && !marked.has(id)).length;
  const search = searchOf(setup);
  let twice = 0;
  for (let n = 0; n < SEARCHES; n += 1) {
    const text = messages[Math.floor(random() * messages.length)]?.content ?? "harbour";
    const { hits } = await search.search({ guildId: GUILD, text, filter: EVERYBODY, limit: 100, offset: 0 });
    const ids = hits.flatMap(({ row, repeats }) => [row, ...repeats].map(({ id }) => id));
    twice += ids.length - new Set(ids).size;
  }
  const { list } = await setup.indexes.generations(GUILD);
  return { searchable, lost, twice, statuses: list.map(({ status }) => status).join(", ") };
}
