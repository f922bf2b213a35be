// A machine's clock that is set back, and Discord's own REST client, whose memory of limits goes by that clock.

import { Client, GatewayIntentBits } from "discord.js";
import { afterEach, expect, test, vi } from "vitest";
import { keepRequestsGoing } from "../../../src/adapters/discord/rate-limit-clock.ts";
import type { Clock } from "../../../src/ports/clock.ts";

const PER_SECOND = 10;
const HOURS = 3_600_000;

afterEach(() => vi.restoreAllMocks());

function setUp() {
  let aheadMs = 0;
  const real = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => real() + aheadMs);
  const logged: string[] = [];
  let wake = () => {};
  const clock: Clock = {
    now: () => Date.now(),
    elapsed: () => performance.now(),
    // It is looked at when the test says so.
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        wake = resolve;
        signal?.addEventListener("abort", () => resolve());
      }),
  };
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    rest: {
      globalRequestsPerSecond: PER_SECOND,
      makeRequest: async () => new Response("{}", { headers: { "content-type": "application/json" } }),
    },
  });
  client.rest.setToken("token");
  const logger = { debug() {}, info() {}, warn: (event: string) => void logged.push(event), error() {} };
  /** Sets the clock, and lets it be looked at, as it is every second. */
  async function setClock(ms: number, isLookedAt: boolean): Promise<void> {
    aheadMs = ms;
    if (!isLookedAt) return;
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  /** @returns how many of them were answered */
  async function ask(times: number): Promise<number> {
    let answered = 0;
    for (let n = 0; n < times; n += 1) {
      await client.rest
        .get(`/gateway/${n % 3}`)
        .then(() => {
          answered += 1;
        })
        .catch(() => undefined);
    }
    return answered;
  }
  return { client, clock, logger, logged, setClock, ask };
}

test("set back by hours between two looks at it, it costs one request an error, and the others go on", async () => {
  const { client, clock, logger, logged, setClock, ask } = setUp();
  await setClock(6 * HOURS, false);
  const stop = keepRequestsGoing(client, clock, logger);
  expect(await ask(3)).toBe(3);
  await setClock(0, false);
  expect(await ask(2 * PER_SECOND)).toBeGreaterThanOrEqual(2 * PER_SECOND - 1);
  expect(logged).toEqual(["clock:set-back"]);
  stop();
});

test("seen in time, it costs none", async () => {
  const { client, clock, logger, logged, setClock, ask } = setUp();
  const stop = keepRequestsGoing(client, clock, logger);
  await setClock(6 * HOURS, true);
  expect(await ask(3)).toBe(3);
  await setClock(0, true);
  expect(await ask(2 * PER_SECOND)).toBe(2 * PER_SECOND);
  expect(logged).toEqual(["clock:set-back"]);
  stop();
});

test("the host's own rule for limits is asked otherwise, and is back when it stops", async () => {
  const { client, clock, logger } = setUp();
  const hosts = () => false;
  client.rest.options.rejectOnRateLimit = hosts;
  const stop = keepRequestsGoing(client, clock, logger);
  expect(client.rest.options.rejectOnRateLimit).not.toBe(hosts);
  stop();
  expect(client.rest.options.rejectOnRateLimit).toBe(hosts);
});
