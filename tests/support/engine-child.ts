// A bot process without Discord, to be killed: takes up (or starts) the backfill of what is in its folder, while messages keep
// arriving, and says on stdout how far it is, a JSON object a line. Also for longer tortures.
//
//   tsx engine-child.ts FOLDER SERVER_URL LATER_MS LIVE_MESSAGES
//
// SIGUSR2 asks for a pause. LATER_MS moves its clock on, so that the lease of a process killed just before has run out.

import { createSkippableClock, GUILD, hourOfChild, message, openHouse } from "./engine.ts";

const [folder, serverUrl, laterMs, liveMessages] = process.argv.slice(2);
if (folder === undefined || serverUrl === undefined) throw new Error("engine-child.ts FOLDER SERVER_URL …");

const say = (event: string, facts: object = {}) => console.log(JSON.stringify({ event, ...facts }));
say("opening");
const clock = createSkippableClock();
clock.skip(Number(laterMs ?? 0));
const holder = `child-${process.pid}`;
const house = await openHouse({ folder, serverUrl, clock, holder, textsPerRequest: 32, requestTimeoutMs: 2_000 });
let stopping = false;

process.on("SIGUSR2", () => void house.engine.pause(GUILD, "Grace"));
process.on("SIGTERM", () => {
  stopping = true;
  void house.stop().then(() => {
    say("stopped");
    process.exit(0);
  });
});

/** The same messages in every life: what is archived already is left alone. */
async function arrive(count: number): Promise<void> {
  for (let n = 0; n < count && !stopping; n += 1) {
    const id = hourOfChild(n);
    const channelId = String(10 + (n % 3));
    await house.live.messageSaved(GUILD, message(id, `it is ${n} o'clock in the harbour`, { channelId }), {
      id: channelId,
      name: "harbour",
      type: "text",
      accessChannelId: channelId,
    });
  }
}

if (house.ownership.lease(GUILD) === undefined) {
  say("refused", { heldBy: house.ownership.heldElsewhere(GUILD) });
  await house.stop();
  process.exit(1);
}
house.live.kick(GUILD);
await house.engine.recover(GUILD);
if ((await house.status()) === undefined) await house.start();
say("working", { status: await house.status() });
await arrive(Number(liveMessages ?? 0));
await house.engine.done(GUILD);
await house.live.idle();
if (!stopping) {
  say("finished", { status: await house.status() });
  await house.stop();
  process.exit(0);
}
