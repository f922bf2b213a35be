// npm run torture: kills a real process with SIGKILL at random moments of its backfills, starts it again each time, and compares the
// index at the end of each run with the one of a process that nobody disturbed. Remote engines are killed and stopped along with it.
// With --away see away.ts.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CalledWrongly, runProgram, wholeNumber, writablePath } from "../../src/app/command-line.ts";
import { totals } from "../../src/backfill/run/run.ts";
import { startEmbeddingServer } from "../support/embedding-server.ts";
import { GUILD, openSetup } from "../support/engine.ts";
import { tortureAway } from "./away.ts";
import { tortureChange } from "./change.ts";
import { tortureForget } from "./forget.ts";
import { openFolder, openRemote, type Place } from "./places.ts";
import { tortureRecords } from "./records.ts";
import { seeded } from "./seeded.ts";
import { createVictim, type Victim } from "./victim.ts";

const CHILD = join(import.meta.dirname, "../support/engine-child.ts");
const usage = (
  call: string,
) => `Usage: ${call} [--change] [--engines local|remote] [--kills N] [--records N] [--seed N] [--minutes N] [--json FILE]
       ${call} --forget [--deeds N] [--kills N] [--seed N] [--json FILE]
       ${call} --away [--stops N] [--kills N] [--seed N] [--minutes N] [--json FILE]

--kills N    so many SIGKILLs (200; with --away 100)       --minutes N  but no longer than this (30)
--records N  in the archive (20000)                        --seed N     repeats what chance did
--change     during a change of the model                  --engines remote  kills remote engines, too
--away       the whole bot, away from Discord for --stops N times (100); see docs/operating.md
--forget     while members take back what they wrote, --deeds N times (300); 40 kills
--json FILE  also writes the outcome there`;
const LIVE_MESSAGES = 300;
/** Kills come like a Poisson process: on average so many in the time that an undisturbed run takes. */
const KILLS_PER_RUN = 12;
/** After so many a run may end in peace: a check of the end that is longer than most lives would never come to it. */
const MOST_KILLS_OF_A_RUN = 40;
/** So often a process on remote engines is left alive, and they alone are tortured. */
const LASTING = 1 / 10;
/** So often a process is started while the lease of the dead one is good: it must be refused. */
const HASTY = 1 / 15;

interface Outcome {
  readonly kills: number;
  readonly lost: number;
  readonly duplicate: number;
  /** Rows that should not be there, or are not as they should be. */
  readonly different: number;
  readonly balanced: boolean;
  /** Where its accounts differ from the undisturbed run's. */
  readonly accounts: string;
  readonly seconds: number;
}

interface Arguments {
  readonly deeds: number;
  readonly stops: number;
  readonly kills: number;
  readonly records: number;
  readonly seed: number;
  readonly minutes: number;
  readonly json: string | undefined;
  readonly engines: "local" | "remote";
  readonly change: boolean;
}

async function whileAway({ stops, kills, seed, minutes, json }: Arguments): Promise<number> {
  console.log(`Torture while away: ${stops} stops, ${kills} kills, seed ${seed}, at most ${minutes} minutes.`);
  const outcome = await tortureAway({ stops, kills, seed, minutes, onLine: (line) => console.log(line) });
  console.log(JSON.stringify(outcome, null, 2));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(outcome, null, 2)}\n`);
  const { missing, resurrected, outdated, differingRows } = outcome;
  return missing + resurrected + outdated + differingRows === 0 ? 0 : 1;
}

async function whileForgetting({ deeds, kills, seed, json }: Arguments): Promise<number> {
  console.log(`Torture while forgetting: ${deeds} deeds, ${kills} kills, seed ${seed}.`);
  const outcome = await tortureForget({ deeds, kills, seed, onLine: (line) => console.log(line) });
  console.log(JSON.stringify(outcome, null, 2));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(outcome, null, 2)}\n`);
  return outcome.stillFound + outcome.stillInFiles + outcome.wronglyGone === 0 ? 0 : 1;
}

async function duringBackfills({
  kills: wanted,
  records,
  seed,
  minutes,
  json,
  engines,
  change,
}: Arguments): Promise<number> {
  const open = engines === "remote" ? openRemote : openFolder;
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1000);
  console.log(
    `Torture: ${wanted} kills, ${engines} engines, ${records} records, seed ${seed}, at most ${minutes} minutes.`,
  );
  const random = seeded(seed);
  if (change) {
    const { trouble, statuses, ...changed } = await tortureChange({ kills: wanted, records, minutes }, random);
    const summary = { ...changed, records, seed, seconds: seconds(), statuses, trouble };
    console.log(`\n${JSON.stringify(summary)}`);
    if (json !== undefined) await writeFile(json, `${JSON.stringify(summary, null, 2)}\n`);
    return changed.lost + changed.duplicate + changed.foundTwice + trouble.length === 0 ? 0 : 1;
  }
  const base = await mkdtemp(join(tmpdir(), "backscroll-torture-"));
  const server = await startEmbeddingServer({ dimensions: 16, latencyMs: 4 });
  const outcomes: Outcome[] = [];
  const moments = new Map<string, number>();
  const hasty = { tried: 0, refused: 0 };
  const trouble: string[] = [];
  const faults = new Map<string, number>();
  try {
    const placeIn = (folder: string) => open(join(base, "seed"), join(base, folder));
    const victimIn = (folder: string, { stores }: Place) =>
      createVictim(join(base, folder), CHILD, server.url, LIVE_MESSAGES, stores);
    const seedSetup = await openSetup({ folder: join(base, "seed"), server });
    await seedSetup.archive.save(GUILD, tortureRecords(records), { pending: false });
    await seedSetup.stop();

    const quiet = await placeIn("undisturbed");
    const undisturbed = victimIn("undisturbed", quiet);
    const whole = await undisturbed.live();
    if (whole.ended !== "finished") throw new Error(`even undisturbed the process ${whole.ended}`);
    const expected = await undisturbed.look();
    await quiet.close();
    const meanMs = whole.tookMs / KILLS_PER_RUN;
    console.log(
      `Undisturbed: ${expected.rows.size} rows, ${(whole.tookMs / 1000).toFixed(1)} s. ` +
        `A process lives ${Math.round(meanMs)} ms on average from when it opens its folder.\n`,
    );
    console.log("  run  kills   lost  duplicate  different  accounts  seconds");
    const killed = () => outcomes.reduce((sum, { kills }) => sum + kills, 0);
    while (killed() < wanted && seconds() < minutes * 60) {
      const place = await placeIn("victim");
      const victim = victimIn("victim", place);
      const outcome = await torment(victim, place, wanted - killed(), meanMs, expected);
      for (const [what, times] of Object.entries(place.faults())) faults.set(what, (faults.get(what) ?? 0) + times);
      outcomes.push(outcome);
      const { kills, lost, duplicate, different, balanced, seconds: took } = outcome;
      const columns = [pad(outcomes.length, 5), pad(kills, 7), pad(lost, 7), pad(duplicate, 11), pad(different, 11)];
      console.log(`${columns.join("")}${balanced ? "  balanced" : "     WRONG"}${pad(took.toFixed(0), 9)}`);
      if (!balanced) console.log(`       ${outcome.accounts}`);
      await place.close();
    }
  } finally {
    await server.close();
    await rm(base, { recursive: true, force: true });
  }

  /** One run, from its start to its end over all its deaths. */
  async function torment(
    victim: Victim,
    place: Place,
    mostKills: number,
    meanMs: number,
    expected: Awaited<ReturnType<Victim["look"]>>,
  ): Promise<Outcome> {
    const begunAt = performance.now();
    let kills = 0;
    let diedAtWork = false;
    for (;;) {
      if (diedAtWork && random() < HASTY) {
        hasty.tried += 1;
        if ((await victim.live(undefined, false)).ended === "refused") hasty.refused += 1;
        else trouble.push("a process took over while the lease of the one before was good");
      }
      const spared = kills >= Math.min(mostKills, MOST_KILLS_OF_A_RUN) || seconds() > minutes * 60;
      let calm = async () => {};
      const lasts = !spared && place.stores !== undefined && random() < LASTING;
      const life = await victim.live(spared || lasts ? undefined : -Math.log(1 - random()) * meanMs, true, () => {
        if (!spared) calm = place.disturb(random, meanMs);
      });
      await calm();
      if (life.ended === "finished") break;
      if (life.ended !== "killed") {
        trouble.push(
          `a process ${life.ended === "refused" ? "was refused by a lease long over" : `was ${life.ended}`}`,
        );
        if (spared) break;
        continue;
      }
      kills += 1;
      diedAtWork = life.worked;
      const moment = await victim.state();
      moments.set(moment, (moments.get(moment) ?? 0) + 1);
    }
    const { rows, run } = await victim.look();
    const missing = [...expected.rows.keys()].filter((key) => !rows.has(key));
    const duplicates = [...rows.keys()].filter((key) => key.endsWith("duplicate"));
    const others = [...rows].filter(([key, row]) => !isDeepStrictEqual(row, expected.rows.get(key)));
    const [counted, right] = [
      { status: run.status, ...totals(run) },
      { status: "succeeded", ...totals(expected.run) },
    ];
    const balanced = isDeepStrictEqual(counted, right);
    return {
      kills,
      lost: missing.length,
      duplicate: duplicates.length,
      different: others.length - duplicates.length,
      balanced,
      accounts: balanced
        ? "as they should be"
        : `${JSON.stringify({ ...counted, skippedBy: run.skippedBy })}, not ${JSON.stringify(right)}`,
      seconds: (performance.now() - begunAt) / 1000,
    };
  }

  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const result = {
    kills: sum(({ kills }) => kills),
    records,
    lost: sum(({ lost }) => lost),
    duplicate: sum(({ duplicate }) => duplicate),
    identical: outcomes.length > 0 && outcomes.every((each) => each.lost + each.duplicate + each.different === 0),
    balanced: outcomes.every(({ balanced }) => balanced),
    runs: outcomes.length,
    seed,
    seconds: seconds(),
    moments: Object.fromEntries([...moments].sort(([, a], [, b]) => b - a)),
    startsWhileTheLeaseWasGood: hasty,
    engineFaults: Object.fromEntries(faults),
    trouble,
  };
  console.log(
    `\n${result.kills} kills in ${result.runs} runs of ${records} records, ${result.seconds} s: ` +
      `${result.lost} lost, ${result.duplicate} duplicate, ${result.identical ? "all identical" : "NOT IDENTICAL"}` +
      ` to the undisturbed run; the accounts ${result.balanced ? "agree" : "DO NOT AGREE"}.`,
  );
  console.log(
    `Killed at: ${Object.entries(result.moments)
      .map(([moment, times]) => `${moment} ${times}`)
      .join(", ")}.`,
  );
  console.log(`Started while the dead one's lease was good: ${hasty.tried}, refused: ${hasty.refused}.`);
  if (faults.size > 0) {
    console.log(`Engines: ${[...faults].map(([what, times]) => `${what} ${times} times`).join(", ")}.`);
  }
  for (const what of new Set(trouble)) console.log(`Trouble: ${what}.`);
  if (result.kills < wanted) console.log(`Only ${result.kills} of ${wanted} kills fitted into ${minutes} minutes.`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`);
  return result.identical && result.balanced && trouble.length === 0 ? 0 : 1;
}

const pad = (value: number | string, width: number) => String(value).padStart(width);

const text = { type: "string" } as const;
await runProgram({
  name: "torture",
  usage,
  flags: {
    away: { type: "boolean", default: false },
    forget: { type: "boolean", default: false },
    deeds: { ...text, default: "300" },
    change: { type: "boolean", default: false },
    stops: { ...text, default: "100" },
    kills: text,
    records: { ...text, default: "20000" },
    seed: { ...text, default: String((Date.now() % 1_000_000) + 1) },
    minutes: { ...text, default: "30" },
    engines: { ...text, default: "local" },
    json: text,
  },
  async run({ away, forget, change, engines, json, ...given }) {
    if (engines !== "local" && engines !== "remote") {
      throw new CalledWrongly(`--engines takes local or remote, not “${engines}”.`);
    }
    const asked: Arguments = {
      engines,
      change,
      json: writablePath("json", json),
      stops: wholeNumber("stops", given.stops),
      kills: wholeNumber("kills", given.kills ?? (forget ? "40" : away ? "100" : "200")),
      deeds: wholeNumber("deeds", given.deeds),
      records: wholeNumber("records", given.records),
      seed: wholeNumber("seed", given.seed),
      minutes: wholeNumber("minutes", given.minutes),
    };
    if (forget) return await whileForgetting(asked);
    return await (away ? whileAway(asked) : duringBackfills(asked));
  },
});
