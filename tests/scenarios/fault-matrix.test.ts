// Every fault of an embedding server, at the start, in the middle and at the end of a run: what the run does meanwhile, what the
// admin channel is told, and that everything is in the index once the fault is gone.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isBalanced, totals } from "../../src/backfill/run/run.ts";
import { reasonText } from "../../src/views/reasons.ts";
import { type EmbeddingServer, type Misbehaviour, startEmbeddingServer } from "../support/embedding-server.ts";
import { GUILD, hoursAgo, message, openSetup, type Setup, until } from "../support/engine.ts";

const moments = ["start", "middle", "end"] as const;
type Moment = (typeof moments)[number];

/** Answers that only look wrong. */
const harmless: [what: string, how: Misbehaviour][] = [
  ["floats although base64 was asked for", "floats"],
  ["vectors out of order", "reversed"],
];

/** What is wrong with the server as a whole, and a word of what the admin is told. */
const ofTheServer: [what: string, how: Misbehaviour, says: RegExp][] = [
  ["too few vectors", "too-few", /answered \d+ vectors for \d+ texts|something else/],
  ["too many vectors", "too-many", /answered \d+ vectors for \d+ texts|something else/],
  ["vectors of a wrong length", { vectors: "short" }, /another model/],
  ["vectors that are no numbers", { vectors: "nan" }, /broken vectors|no usable vector/],
  ["another model's answer", { model: "bge-small-en", dimensions: 8 }, /another model/],
  ["no answer at all", "hang", /did not answer within/],
  ["half an answer", "hang-mid-body", /did not answer within/],
  ["a broken connection", "reset", /hung up/],
  ["a web page", "html", /not with JSON/],
  ["400 for whatever it gets", { status: 400, says: "no" }, /refuses/],
  ["401", { status: 401 }, /API key/],
  ["404", { status: 404 }, /no \/embeddings/],
  ["413 for whatever it gets", { status: 413 }, /too long/],
  ["429", { status: 429, headers: { "retry-after": "2" } }, /asks for a pause/],
  ["500", { status: 500 }, /HTTP 500/],
  ["503", { status: 503 }, /HTTP 503/],
  ["no model loaded", { status: 400, says: { error: "No models loaded. Please load a model" } }, /not loaded/],
];

/** Answers that are right in form: the vectors are not those of the texts. */
const liars: [what: string, how: Misbehaviour][] = [
  ["each text's neighbour's vector", "shuffled"],
  ["one vector for all texts", "constant"],
  ["another model's vectors, by the same name", "swapped-model"],
];

/** What is wrong with a single text, and what becomes of it. */
const ofOneText: [what: string, how: Misbehaviour, becomes: "set aside" | "shortened"][] = [
  ["400 for one text", { status: 400, says: "not this" }, "set aside"],
  ["no number for one text", { vectors: "nan" }, "set aside"],
  ["413 for one text", { status: 413 }, "shortened"],
];

const cells = <Row extends unknown[]>(faults: readonly [string, ...Row][]) =>
  moments.flatMap((moment) => faults.map((fault) => [moment, ...fault] as const));

/** A phase each, one after the other: the run is at its start, in the middle or near its end. */
const wordAt = { start: "recent", middle: "medium", end: "ancient" } as const satisfies Record<Moment, string>;
const firstHour = { recent: 1, medium: 800, ancient: 3_000 };
const records = Object.values(wordAt).flatMap((word) =>
  Array.from({ length: 8 }, (_, n) => message(hoursAgo(firstHour[word] + n), `${word} words ${n}`)),
);

let server: EmbeddingServer;
let undisturbed: Map<string, object>;
let setup: Setup;

beforeAll(async () => {
  server = await startEmbeddingServer({ dimensions: 16 });
  await open();
  await setup.start();
  expect((await setup.settled()).status).toBe("succeeded");
  undisturbed = await setup.rows();
  expect(undisturbed.size).toBe(records.length);
  await setup.close();
});
beforeEach(() => open());
afterEach(async () => {
  for (const mend of mends.splice(0)) mend();
  await setup.close();
});
afterAll(() => server.close());

const mends: (() => void)[] = [];
/** Until it is mended, or the test is over. */
function misbehave(...fault: Parameters<EmbeddingServer["misbehave"]>): () => void {
  const mend = server.misbehave(...fault);
  mends.push(mend);
  return mend;
}

/** @param requestTimeoutMs a machine with other things to do may well take a second for an answer */
async function open(on: EmbeddingServer = server, requestTimeoutMs = 5_000): Promise<void> {
  setup = await openSetup({ server: on, textsPerRequest: 4, requestTimeoutMs });
  await setup.archive.save(GUILD, records, { pending: false });
}

/** Answers that never come are waited for no longer than a moment. */
async function openFor(how: Misbehaviour): Promise<void> {
  if (how !== "hang" && how !== "hang-mid-body") return;
  await setup.close();
  await open(server, 500);
}

describe("answers that only look wrong", () => {
  test.for(cells(harmless))("at the %s: %s is taken as it is", async ([moment, , how]) => {
    await startWith(moment, how);
    const run = await setup.settled();
    expect(run.status).toBe("succeeded");
    expect(run.batches.failed).toBe(0);
    expect(await setup.rows()).toEqual(undisturbed);
    expect(alerts()).toEqual([]);
  });
});

describe("a server that does not work", () => {
  test.for(ofTheServer)("at the start: %s refuses the start", async ([, how, says]) => {
    await openFor(how);
    const mend = misbehave(how);
    const outcome = await setup.start();
    mend();
    if (outcome.outcome !== "refused") throw new Error(`it was ${outcome.outcome}`);
    const failed = outcome.analysis.preflight.filter(({ ok }) => !ok);
    expect(failed).toMatchObject([
      { name: "embedder", detail: { kind: "error", message: expect.stringMatching(says) } },
    ]);
    expect(await setup.status()).toBeUndefined();
    await setup.start();
    await expectAllEmbedded();
  });

  test.for(cells(ofTheServer).filter(([moment]) => moment !== "start"))(
    "in the %s: %s is waited for, told once, and charged to no record",
    async ([moment, , how, says]) => {
      await openFor(how);
      const mend = await startWith(moment, how);
      await until(async () => (await setup.status()) === "waiting", "the run waits", 20_000);
      const waiting = await setup.run();
      expect(waiting.reason).toMatchObject({ kind: "embedder-down", message: expect.stringMatching(says) });
      expect(waiting.breaker?.reason).toMatch(says);
      await setup.impatiently(() => until(() => alerts().length > 0, "the alert", 20_000));
      expect(alerts()).toEqual(["raised"]);
      expect(await setup.status()).toBe("waiting");
      mend();
      await expectAllEmbedded();
      await setup.impatiently(() => until(() => alerts().length > 1, "the end of the alert", 20_000));
      expect(alerts()).toEqual(["raised", "resolved"]);
    },
  );
});

test.for(["middle", "end"] as const)(
  "in the %s: a server that has ended is waited for until it is there again, told once, and charged to no record",
  async (moment) => {
    await setup.close();
    let mortal = await startEmbeddingServer({ dimensions: 16 });
    await open(mortal);
    let ended = Promise.resolve();
    await startWith(moment, () => {
      ended = mortal.close();
    });
    await until(async () => (await setup.status()) === "waiting", "the run waits", 20_000);
    expect(reasonText((await setup.run()).reason, "/backfill")).toMatch(/is not running|hung up/);
    await ended;
    await setup.impatiently(() => until(() => alerts().length > 0, "the alert", 20_000));
    mortal = await startEmbeddingServer({ dimensions: 16, port: Number(new URL(mortal.url).port) });
    await expectAllEmbedded();
    await setup.impatiently(() => until(() => alerts().length > 1, "the end of the alert", 20_000));
    expect(alerts()).toEqual(["raised", "resolved"]);
    await mortal.close();
  },
);

describe("a server whose vectors are not those of the texts", () => {
  // Who has never asked another one cannot know.
  test.for(liars.filter(([, how]) => how !== "swapped-model"))(
    "at the start: %s refuses the start",
    async ([, how]) => {
      const mend = misbehave(how);
      const outcome = await setup.start();
      mend();
      if (outcome.outcome !== "refused") throw new Error(`it was ${outcome.outcome}`);
      expect(outcome.analysis.preflight.filter(({ ok }) => !ok)).toMatchObject([{ name: "embedder" }]);
      await setup.impatiently(() =>
        until(async () => (await setup.start()).outcome !== "refused", "it starts", 20_000),
      );
      await expectAllEmbedded();
    },
  );

  test.for(cells(liars).filter(([moment]) => moment !== "start"))(
    "in the %s: %s end the run with the reason, and leave nothing behind",
    async ([moment, , how]) => {
      const mend = await startWith(moment, how);
      const run = await setup.settled();
      expect(run.status).toBe("failed");
      expect(run.reason && reasonText(run.reason, "")).toMatch(/not those of the texts|same vector/);
      expect(setup.posts.filter(({ kind }) => kind === "report")).toHaveLength(1);
      mend();
      await setup.impatiently(() => until(() => setup.breaker.state() === undefined, "it is trusted again", 20_000));
      await setup.impatiently(() => setup.live.idle());
      await setup.start();
      await setup.impatiently(() => setup.settled(50_000));
      expect(await setup.rows()).toEqual(undisturbed);
      expect(await setup.archive.pending(GUILD, 10)).toEqual([]);
      expect(await setup.opened.vectorChecks.list(GUILD)).toEqual([]);
    },
  );
});

describe("a text that is refused", () => {
  test.for(cells(ofOneText))(
    "at the %s: %s costs at most that record, and holds nothing up",
    async ([moment, , how, becomes]) => {
      const culprit = records.find(({ content }) => content === `${wordAt[moment]} words 3`);
      const isCulprit = (text: string) => text.includes(`${wordAt[moment]} words 3`);
      const spoilt = typeof how === "object" && "vectors" in how ? { ...how, of: isCulprit } : how;
      const mend = misbehave(spoilt, { when: (texts) => texts.some(isCulprit) });
      await setup.start();
      const run = await setup.impatiently(() => setup.settled(), 3_000);
      const setAside = becomes === "set aside" ? 1 : 0;
      const embedded = records.length - setAside;
      expect(run.status).toBe("succeeded");
      expect(totals(run)).toMatchObject({ read: records.length, embedded, quarantined: setAside, remaining: 0 });
      expect(alerts()).toEqual([]);
      const failures = await setup.engine.failures(GUILD, 5);
      expect(failures.map(({ id }) => id)).toEqual(setAside ? [culprit?.id] : []);
      mend();
      expect(await setup.engine.retry(GUILD)).toBe(setAside);
      await setup.live.idle();
      const rows = await setup.rows();
      expect([...rows.keys()]).toEqual([...undisturbed.keys()]);
      if (setAside) expect(rows).toEqual(undisturbed);
    },
  );
});

/** Starts a run and has the server misbehave from the moment that the first text of that part is sent. @returns how to mend it */
async function startWith(moment: Moment, how: Misbehaviour | (() => void)): Promise<() => void> {
  const { queue } = setup;
  const { embed } = queue;
  let mend: (() => void) | undefined;
  Object.assign(queue, {
    embed: (...given: Parameters<typeof embed>) => {
      const [texts, { priority }] = given;
      const isReached = priority === "backfill" && texts.some((text) => text.includes(wordAt[moment]));
      if (isReached) mend ??= typeof how === "function" ? once(how) : misbehave(how);
      return embed(...given);
    },
  });
  expect((await setup.start()).outcome).toBe("started");
  return () => mend?.();
}

/** @returns nothing to be mended */
function once(act: () => void): () => void {
  act();
  return () => undefined;
}

async function expectAllEmbedded(): Promise<void> {
  const run = await setup.impatiently(() => setup.settled());
  expect(run).toMatchObject({ status: "succeeded", reason: { kind: "nothing-remains" } });
  expect(totals(run)).toMatchObject({ read: records.length, embedded: records.length, quarantined: 0, remaining: 0 });
  expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
  expect(await setup.rows()).toEqual(undisturbed);
}

/** What was posted about an embedder that is down. */
function alerts(): string[] {
  return setup.posts.flatMap((post) =>
    (post.kind === "alert-raised" || post.kind === "alert-resolved") && post.alert.name === "embedder-down"
      ? [post.kind.slice("alert-".length)]
      : [],
  );
}
