// Embedding servers that are bad in the middle of a run over 3,000 messages: what it costs in requests, and that everything that should be
// is in the index at the end, with its own vector. Prints its numbers.

import { afterEach, beforeEach, expect, test } from "vitest";
import { isBalanced, totals } from "../../src/backfill/run/run.ts";
import { reasonText } from "../../src/views/reasons.ts";
import type { Misbehaviour } from "../support/embedding-server.ts";
import { GUILD, history, openSetup, type Setup, until } from "../support/engine.ts";

const RECORDS = 3_000;
const BATCH = 64;
const MINUTES_PASS = 3_000;
const BATCHES = Math.ceil(RECORDS / BATCH);

let setup: Setup;
/** Requests and, of them, those that were answered with something else than what was asked for. */
let requests: number;
let failed: number;

beforeEach(() => open(RECORDS, BATCH));
afterEach(() => setup.close());

async function open(records: number, textsPerRequest: number): Promise<void> {
  setup = await openSetup({ textsPerRequest });
  await setup.archive.save(GUILD, history(records), { pending: false });
  [requests, failed] = [0, 0];
}

/** From the third batch on, `isBad` decides for each request. @returns how to mend it */
async function startWith(how: Misbehaviour, isBad: (request: number) => boolean): Promise<() => void> {
  let mend = () => {};
  const begin = () => {
    const stop = setup.server?.misbehave(how, {
      when() {
        requests += 1;
        const bad = isBad(requests);
        if (bad) failed += 1;
        return bad;
      },
    });
    mend = () => stop?.();
  };
  const { queue } = setup;
  const { embed } = queue;
  let batches = 0;
  Object.assign(queue, {
    embed: (...given: Parameters<typeof embed>) => {
      if (given[0].length > 10 && given[1].priority === "backfill") batches += 1;
      if (batches === 3) {
        batches += 1;
        begin();
      }
      return embed(...given);
    },
  });
  expect((await setup.start()).outcome).toBe("started");
  return () => mend();
}

/** The same sequence each time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function report(what: string): void {
  console.info(`${what}: ${requests} requests, ${requests - failed} answered, for ${BATCHES - 2} batches`);
}

/** The server is mended when all is embedded: what follows are the searches of the final check. */
async function expectAllEmbedded(mend: () => void): Promise<void> {
  const isEmbedded = async () => totals(await setup.run()).remaining === 0;
  await setup.impatiently(() => until(isEmbedded, "all is embedded", 60_000), MINUTES_PASS);
  mend();
  const run = await setup.impatiently(() => setup.settled(60_000), MINUTES_PASS);
  expect(run).toMatchObject({ status: "succeeded", reason: { kind: "nothing-remains" } });
  expect(totals(run)).toMatchObject({ read: RECORDS, embedded: RECORDS, quarantined: 0, remaining: 0 });
  expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
  expect((await setup.rows()).size).toBe(RECORDS);
}

const roll = dice(1);
test.each<[what: string, how: Misbehaviour, isBad: (request: number) => boolean]>([
  ["503 to two of three requests", { status: 503 }, (request) => request % 3 !== 0],
  ["503 to every second request", { status: 503 }, (request) => request % 2 === 1],
  ["no number in 40 % of the answers, at random", { vectors: "nan" }, () => roll() < 0.4],
  ["a lost connection in 40 % of the requests, at random", "reset", () => roll() < 0.4],
  ["one vector too few in 40 % of the answers, at random", "too-few", () => roll() < 0.4],
])(
  "%s: the run passes in at most four requests for each batch, and no record is charged",
  async (what, how, isBad) => {
    await expectAllEmbedded(await startWith(how, isBad));
    report(what);
    expect(requests).toBeLessThanOrEqual(4 * (BATCHES - 2));
  },
  90_000,
);

test("no number for one text in 40 % of the answers, at random: no record is charged", async () => {
  await expectAllEmbedded(await startWith({ vectors: "nan", of: (text) => text.length % 5 === 0 }, () => roll() < 0.4));
  report("no number for some texts in 40 % of the answers");
}, 150_000);

test.each<[how: Misbehaviour, records: number]>([
  ["shuffled", 1_200],
  ["swapped-model", 1_200],
  ["constant", 1_200],
  // So few that only the check at the end tells.
  ["shuffled", 200],
])(
  "%j among %i messages: the run stops with the reason, what is in doubt is taken out, and all is right once the server is",
  async (how, records) => {
    await setup.close();
    await open(records, 16);
    const mend = await startWith(how, () => true);
    const run = await setup.impatiently(() => setup.settled(50_000));
    expect(run.status).toBe("failed");
    expect(reasonText(run.reason, "/backfill")).toMatch(/vectors that come are not those of the texts/);
    report(String(how));
    // Fifty batches, and some canaries.
    expect(requests).toBeLessThanOrEqual(60);
    mend();
    await setup.impatiently(
      () => until(() => setup.breaker.state() === undefined, "it is trusted again"),
      MINUTES_PASS,
    );
    await setup.impatiently(() => setup.live.idle());
    await setup.start();
    await setup.impatiently(() => setup.settled(50_000), MINUTES_PASS);
    const rows = await setup.rows();
    expect(rows.size).toBe(records);
    const vectors = new Map([...rows].map(([key, row]) => [key, (row as { vector: string }).vector]));
    const fresh = await openSetup({ ...(setup.server && { server: setup.server }), textsPerRequest: 16 });
    await fresh.archive.save(GUILD, history(records), { pending: false });
    await fresh.start();
    await fresh.settled(50_000);
    const undisturbed = new Map(
      [...(await fresh.rows())].map(([key, row]) => [key, (row as { vector: string }).vector]),
    );
    await fresh.close();
    expect(vectors).toEqual(undisturbed);
  },
  120_000,
);
