// Discord's time, told by the ids that are heard, beside a machine's clock that is wrong.

import { Client, GatewayDispatchEvents, GatewayIntentBits } from "discord.js";
import { expect, test } from "vitest";
import { watchDiscordTime } from "../../../src/adapters/discord/discord-time.ts";
import { snowflakeAt } from "../../../src/snowflake.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);

function setUp(aheadMs: number) {
  const client = new Client({ intents: [GatewayIntentBits.Guilds] });
  let atDiscord = START;
  const logged: string[] = [];
  const log = (event: string) => void logged.push(event);
  const time = watchDiscordTime(
    client,
    { now: () => atDiscord + aheadMs },
    { debug() {}, info: log, warn: log, error() {} },
  );
  /** @param lateMs it was made so long before it is heard */
  function hear(event: GatewayDispatchEvents, lateMs = 0) {
    atDiscord += MINUTE;
    const id = snowflakeAt(atDiscord - lateMs);
    client.ws.emit(event, { id }, 0);
    return id;
  }
  function set(ms: number) {
    aheadMs = ms;
  }
  return { time, hear, logged, set };
}

test("a clock five hours slow is noticed with the first message or command, said once, and once more when it is right", () => {
  const { time, hear, logged, set } = setUp(-300 * MINUTE);
  expect(time.aheadMs()).toBeUndefined();
  const id = hear(GatewayDispatchEvents.InteractionCreate);
  expect([time.newestId(), time.aheadMs()]).toEqual([id, -300 * MINUTE]);
  hear(GatewayDispatchEvents.MessageCreate);
  expect(logged).toEqual(["clock:wrong"]);
  set(0);
  for (let n = 0; n < 5; n += 1) hear(GatewayDispatchEvents.MessageCreate);
  expect(logged).toEqual(["clock:wrong", "clock:right-again"]);
});

test("messages that arrive late do not make a clock look fast that is right", () => {
  const { time, hear, logged } = setUp(0);
  hear(GatewayDispatchEvents.MessageCreate);
  for (let n = 0; n < 4; n += 1) hear(GatewayDispatchEvents.MessageCreate, 50_000);
  expect(time.aheadMs()).toBe(0);
  expect(logged).toEqual([]);
});

test("an old id, as of a message that is told of again, does not turn it back", () => {
  const { time, hear } = setUp(0);
  const newest = hear(GatewayDispatchEvents.MessageCreate);
  hear(GatewayDispatchEvents.MessageCreate, 600 * MINUTE);
  expect(time.newestId()).toBe(newest);
});
