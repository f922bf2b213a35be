// A month's budget for an embedding server: a backfill stops before it is passed, and says so; what people write and look for does not.

import { afterEach, beforeEach, expect, test } from "vitest";
import { usedOfBudget } from "../../src/backfill/run/budget.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import {
  ADMIN_CHANNEL,
  GUILD,
  type House,
  type HouseOptions,
  history,
  hoursAgo,
  message,
  openHouse,
  until,
} from "../support/engine.ts";

/** A message is about 25 of the server's tokens. */
const BUDGET = 6_000;

let server: EmbeddingServer;
let house: House;
/** So slow that the pre-flight measures it on few of them. */
beforeEach(async () => {
  server = await startEmbeddingServer({ dimensions: 16, latencyMs: 15 });
  await open();
  await house.archive.save(GUILD, history(300), { pending: false });
});
afterEach(async () => {
  await house.close();
  await server.close();
});

async function open(options: HouseOptions = {}): Promise<void> {
  house = await openHouse({ server, textsPerRequest: 20, budget: { tokens: BUDGET }, ...options });
}

const usedAtServer = () => server.requests.reduce((sum, { tokens }) => sum + tokens, 0);
const told = () =>
  house.posts.flatMap((post) =>
    post.kind === "alert-raised" || post.kind === "alert-resolved"
      ? [`${post.kind.slice("alert-".length)} ${post.alert.name}`]
      : [],
  );
const pausedByBudget = () => until(async () => (await house.status()) === "paused", "the budget pauses the run");

test("a backfill pauses before the budget is passed, and warns before that; live messages and searches go on", async () => {
  expect(await house.start()).toMatchObject({ outcome: "started", cost: { isCounted: true } });
  await pausedByBudget();
  await until(() => told().length === 2, "both alerts");
  expect(told()).toEqual(["raised budget-near", "raised budget-spent"]);
  expect(usedAtServer()).toBeLessThanOrEqual(BUDGET);
  expect(usedAtServer()).toBeGreaterThan(BUDGET * 0.9);
  const { spending, run } = await house.engine.status(GUILD);
  expect(spending).toMatchObject({ tokens: usedAtServer(), isSpent: true });
  expect(run?.reason).toEqual({ kind: "budget-spent", use: spending && usedOfBudget(spending) });
  expect(run?.used).toMatchObject({ isCounted: true });
  expect(run?.used?.tokens).toBeGreaterThan(BUDGET / 2);
  expect(run?.used?.tokens).toBeLessThan(usedAtServer());

  const before = usedAtServer();
  await house.archive.save(GUILD, [message(hoursAgo(0, 5), "a fresh word: okapi")], { pending: true });
  house.live.kick(GUILD);
  await until(async () => (await house.matching("okapi")).length === 1, "the live message is found");
  expect(await house.find(GUILD, "kettle", 3)).toHaveLength(3);
  expect(usedAtServer()).toBeGreaterThan(before);
  expect((await house.engine.status(GUILD)).spending?.tokens).toBe(usedAtServer());
});

test("it is counted over a restart, nothing is sent for a resumed run, and a new month or a larger budget has room", async () => {
  await house.start();
  await pausedByBudget();
  await until(() => told().length === 2, "both alerts");
  const { folder } = house;
  await house.stop();
  await open({ folder });
  await house.considered();
  expect((await house.engine.status(GUILD)).spending).toMatchObject({ tokens: usedAtServer(), isSpent: true });
  const before = usedAtServer();
  expect((await house.start()).outcome).toBe("resumed");
  await pausedByBudget();
  expect(usedAtServer()).toBe(before);
  expect(told()).toEqual([]);
  expect((await house.engine.analyze(GUILD)).preflight).toContainEqual(
    expect.objectContaining({ name: "budget", ok: false }),
  );

  await house.stop();
  await open({ folder, budget: { tokens: 20 * BUDGET } });
  await until(() => told().length === 2, "both are over");
  expect(told().toSorted()).toEqual(["resolved budget-near", "resolved budget-spent"]);
  expect((await house.start()).outcome).toBe("resumed");
  const run = await house.impatiently(() => house.settled());
  expect(run.status).toBe("succeeded");
  // Of both its lives, but for what the checks took.
  expect(run.used?.tokens).toBeGreaterThan(BUDGET);
  expect(run.used?.tokens).toBeLessThanOrEqual(usedAtServer());
});

test("in dollars it is kept to by the price, and what the run cost is in its report", async () => {
  await house.stop();
  // 200,000 tokens.
  await open({ folder: house.folder, budget: { dollars: 20 }, dollarsPerMillion: 100 });
  await house.start({ adminChannelId: ADMIN_CHANNEL });
  const run = await house.impatiently(() => house.settled());
  expect(run.status).toBe("succeeded");
  expect(run.used?.dollars).toBeCloseTo(((run.used?.tokens ?? 0) * 100) / 1e6, 6);
  const report = house.posts.find((post) => post.kind === "report");
  expect(report?.status.spending?.dollars).toBeCloseTo((usedAtServer() * 100) / 1e6, 6);
});
