// A month's budget for an embedding server: a backfill stops before it is passed, and says so; what people write and look for does not.

import { afterEach, beforeEach, expect, test } from "vitest";
import { usedOfBudget } from "../../src/backfill/run/budget.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import {
  ADMIN_CHANNEL,
  GUILD,
  history,
  hoursAgo,
  message,
  openSetup,
  type Setup,
  type SetupOptions,
  until,
} from "../support/engine.ts";

/** A message is about 25 of the server's tokens. */
const BUDGET = 6_000;

let server: EmbeddingServer;
let setup: Setup;
/** So slow that the pre-flight measures it on few of them. */
beforeEach(async () => {
  server = await startEmbeddingServer({ dimensions: 16, latencyMs: 15 });
  await open();
  await setup.archive.save(GUILD, history(300), { pending: false });
});
afterEach(async () => {
  await setup.close();
  await server.close();
});

async function open(options: SetupOptions = {}): Promise<void> {
  setup = await openSetup({ server, textsPerRequest: 20, budget: { tokens: BUDGET }, ...options });
}

const usedAtServer = () => server.requests.reduce((sum, { tokens }) => sum + tokens, 0);
const told = () =>
  setup.posts.flatMap((post) =>
    post.kind === "alert-raised" || post.kind === "alert-resolved"
      ? [`${post.kind.slice("alert-".length)} ${post.alert.name}`]
      : [],
  );
const pausedByBudget = () => until(async () => (await setup.status()) === "paused", "the budget pauses the run");

test("a backfill pauses before the budget is passed, and warns before that; live messages and searches go on", async () => {
  expect(await setup.start()).toMatchObject({ outcome: "started", cost: { isCounted: true } });
  await pausedByBudget();
  await until(() => told().length === 2, "both alerts");
  expect(told()).toEqual(["raised budget-near", "raised budget-spent"]);
  expect(usedAtServer()).toBeLessThanOrEqual(BUDGET);
  expect(usedAtServer()).toBeGreaterThan(BUDGET * 0.9);
  const { spending, run } = await setup.engine.status(GUILD);
  expect(spending).toMatchObject({ tokens: usedAtServer(), isSpent: true });
  expect(run?.reason).toEqual({ kind: "budget-spent", use: spending && usedOfBudget(spending) });
  expect(run?.used).toMatchObject({ isCounted: true });
  expect(run?.used?.tokens).toBeGreaterThan(BUDGET / 2);
  expect(run?.used?.tokens).toBeLessThan(usedAtServer());

  const before = usedAtServer();
  await setup.archive.save(GUILD, [message(hoursAgo(0, 5), "a fresh word: okapi")], { pending: true });
  setup.live.kick(GUILD);
  await until(async () => (await setup.matching("okapi")).length === 1, "the live message is found");
  expect(await setup.find(GUILD, "kettle", 3)).toHaveLength(3);
  expect(usedAtServer()).toBeGreaterThan(before);
  expect((await setup.engine.status(GUILD)).spending?.tokens).toBe(usedAtServer());
});

test("it is counted over a restart, nothing is sent for a resumed run, and a new month or a larger budget has room", async () => {
  await setup.start();
  await pausedByBudget();
  await until(() => told().length === 2, "both alerts");
  const { folder } = setup;
  await setup.stop();
  await open({ folder });
  await setup.considered();
  expect((await setup.engine.status(GUILD)).spending).toMatchObject({ tokens: usedAtServer(), isSpent: true });
  const before = usedAtServer();
  expect((await setup.start()).outcome).toBe("resumed");
  await pausedByBudget();
  expect(usedAtServer()).toBe(before);
  expect(told()).toEqual([]);
  expect((await setup.engine.analyze(GUILD)).preflight).toContainEqual(
    expect.objectContaining({ name: "budget", ok: false }),
  );

  await setup.stop();
  await open({ folder, budget: { tokens: 20 * BUDGET } });
  await until(() => told().length === 2, "both are over");
  expect(told().toSorted()).toEqual(["resolved budget-near", "resolved budget-spent"]);
  expect((await setup.start()).outcome).toBe("resumed");
  const run = await setup.impatiently(() => setup.settled());
  expect(run.status).toBe("succeeded");
  // Of both its lives, but for what the checks took.
  expect(run.used?.tokens).toBeGreaterThan(BUDGET);
  expect(run.used?.tokens).toBeLessThanOrEqual(usedAtServer());
});

test("in dollars it is kept to by the price, and what the run cost is in its report", async () => {
  await setup.stop();
  // 200,000 tokens.
  await open({ folder: setup.folder, budget: { dollars: 20 }, dollarsPerMillion: 100 });
  await setup.start({ adminChannelId: ADMIN_CHANNEL });
  const run = await setup.impatiently(() => setup.settled());
  expect(run.status).toBe("succeeded");
  expect(run.used?.dollars).toBeCloseTo(((run.used?.tokens ?? 0) * 100) / 1e6, 6);
  const report = setup.posts.find((post) => post.kind === "report");
  expect(report?.status.spending?.dollars).toBeCloseTo((usedAtServer() * 100) / 1e6, 6);
});
