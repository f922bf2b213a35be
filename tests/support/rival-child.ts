// One of several processes that want the same guild, and the same folder. Time passes five times as fast for all of them, from the
// same moment on: a lease of 15 seconds lasts three. Says on stdout when it is ready, owns the guild and writes; claims
// the guild when it gets SIGUSR2.
//
//   node rival-child.ts FOLDER SERVER_URL NAME EPOCH_MS

import { systemClock } from "../../src/adapters/system.ts";
import { GUILD, openSetup, type SkippableClock } from "./engine.ts";

const SPEED = 5;
const [folder, serverUrl, holder, epoch] = process.argv.slice(2);
if (folder === undefined || serverUrl === undefined || holder === undefined) throw new Error("rival-child.ts FOLDER …");

const say = (event: string, facts: object = {}) =>
  console.log(JSON.stringify({ event, name: holder, at: Date.now(), ...facts }));
const clock: SkippableClock = {
  now: () => Number(epoch) + (Date.now() - Number(epoch)) * SPEED,
  elapsed: () => systemClock.elapsed() * SPEED,
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
  skip() {},
};

const setup = await openSetup({ folder, serverUrl, holder, clock, textsPerRequest: 16, claim: false });
const { index } = await setup.indexes.open(GUILD);
const { write } = index;
index.write = (...given) => {
  say("writes");
  return write(...given);
};
setup.ownership.onChange((_guildId, change) => say(change));
process.on("SIGTERM", () => void setup.stop().then(() => process.exit(0)));
const told = new Promise<void>((resolve) => process.once("SIGUSR2", () => resolve()));
say("ready");
await told;
await setup.ownership.claim(GUILD);
if (setup.ownership.lease(GUILD) !== undefined && (await setup.status()) === undefined) {
  await setup.start({ pace: "gentle" });
}
while ((await setup.status()) !== "succeeded") await clock.sleep(1_000);
await setup.engine.done(GUILD);
say("finished");
