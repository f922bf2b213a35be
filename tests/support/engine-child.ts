// A bot process without Discord, to be killed: takes up (or starts) the backfill of what is in its folder, while messages keep
// arriving, and says on stdout how far it is, a JSON object a line. Also for longer tortures.
//
//   node engine-child.ts FOLDER SERVER_URL LATER_MS LIVE_MESSAGES [WAYS]
//
// SIGUSR2 asks for a pause, SIGHUP for a rollback. LATER_MS moves its clock on, so that the lease of a process killed just before
// has run out. WAYS is the JSON of `ChildWays`.

import { readFile } from "node:fs/promises";
import type { StoresConfig } from "../../src/app/stores-config.ts";
import { TransientError } from "../../src/errors.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import {
  channel,
  createSkippableClock,
  GUILD,
  hourOfChild,
  message,
  openSetup,
  type SetupOptions,
  until,
} from "./engine.ts";

export interface ChildWays {
  /** Lives on when the run has ended or paused. */
  readonly stays?: boolean;
  readonly requestTimeoutMs?: number;
  /** See `SetupOptions`. */
  readonly served?: SetupOptions["served"];
  /** A file with the JSON of `Changes`, made in every life anew, which changes nothing the second time. */
  readonly changes?: string;
  /** Starts a run that has failed once more. */
  readonly restarts?: boolean;
  /** On remote engines, which may go away and come back. */
  readonly stores?: StoresConfig;
  /** A file with the JSON of messages that are only on Discord, which takes so long for a hundred of them. */
  readonly onDiscord?: { readonly file: string; readonly pauseMs: number };
}

/** What people change of older messages meanwhile. */
export interface Changes {
  readonly edited: readonly ArchivedRecord[];
  readonly deleted: readonly string[];
}

const [folder, serverUrl, laterMs, liveMessages, waysGiven = "{}"] = process.argv.slice(2);
const ways = JSON.parse(waysGiven) as ChildWays;
if (folder === undefined || serverUrl === undefined) throw new Error("engine-child.ts FOLDER SERVER_URL …");

const say = (event: string, facts: object = {}) => console.log(JSON.stringify({ event, ...facts }));
say("opening");
const clock = createSkippableClock();
clock.skip(Number(laterMs ?? 0));
const holder = `child-${process.pid}`;
const { stays = false, requestTimeoutMs = 2_000, onDiscord, stores, served } = ways;
const opening = { folder, serverUrl, clock, holder, textsPerRequest: 32, requestTimeoutMs };
const setup = await openSetup({ ...opening, ...(stores && { stores }), ...(served && { served }) });
say("opened");
if (onDiscord !== undefined) {
  const channels = ["10", "11", "12"].map((id) => channel(id));
  setup.world.channels = channels;
  setup.world.discordPauseMs = onDiscord.pauseMs;
  const messages = JSON.parse(await readFile(onDiscord.file, "utf8")) as ArchivedRecord[];
  for (const { id } of channels) {
    setup.world.onDiscord.set(
      id,
      messages.filter(({ channelId }) => channelId === id),
    );
  }
}
let stopping = false;

/** It was left, and is taken up again. */
async function mayGoOn(): Promise<boolean> {
  const now = await status();
  if (now !== "running" && now !== "waiting" && now !== "interrupted") return false;
  await new Promise((resolve) => setTimeout(resolve, 50));
  return true;
}

const complain = (thrown: unknown) => say("refused", { because: String(thrown) });
process.on("SIGUSR2", () => void setup.engine.pause(GUILD, "Grace").catch(complain));
process.on("SIGHUP", () => void setup.engine.rollback(GUILD, "Grace").catch(complain));
process.on("SIGTERM", () => {
  stopping = true;
  void setup.stop().then(() => {
    say("stopped");
    process.exit(0);
  });
});

/** As whoever hears Discord does: what is out of reach is tried again. */
async function patiently<Result>(act: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await act();
    } catch (thrown) {
      if (!(thrown instanceof TransientError) || stopping) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
const status = () => patiently(() => setup.status());

/** The same messages in every life: what is archived already is left alone. */
async function arrive(count: number): Promise<void> {
  for (let n = 0; n < count && !stopping; n += 1) {
    const id = hourOfChild(n);
    const channelId = String(10 + (n % 3));
    const written = message(id, `it is ${n} o'clock in the harbour`, { channelId });
    const where = { id: channelId, name: "harbour", type: "text", accessChannelId: channelId } as const;
    await patiently(() => setup.live.messageSaved(GUILD, written, where));
  }
}

async function changeOlder(): Promise<void> {
  if (ways.changes === undefined) return;
  const { edited, deleted } = JSON.parse(await readFile(ways.changes, "utf8")) as Changes;
  for (const record of edited) {
    const where = { id: record.channelId, name: "any", type: "text", accessChannelId: record.accessChannelId } as const;
    await patiently(() => setup.live.messageSaved(GUILD, record, where));
  }
  for (const id of deleted) await patiently(() => setup.live.messagesDeleted(GUILD, [id]));
}

const isOurs = () => setup.ownership.lease(GUILD) !== undefined;
await until(() => isOurs() || setup.ownership.heldElsewhere(GUILD) !== undefined, "an owner", 120_000);
if (!isOurs()) {
  say("refused", { heldBy: setup.ownership.heldElsewhere(GUILD) });
  await setup.stop();
  process.exit(1);
}
setup.live.kick(GUILD);
await setup.engine.recover(GUILD);
await patiently(async () => {
  const run = (await setup.runStore.load(GUILD))?.value;
  // Another model's is of no use to this one.
  const isToEnd = run?.status !== "failed" || ways.restarts !== true;
  if (run?.fingerprint === setup.indexes.space.fingerprint && isToEnd) return;
  await setup.start(onDiscord === undefined ? {} : { source: "discord" });
}).catch(complain);
say("working", { status: await status() });
await Promise.all([arrive(Number(liveMessages ?? 0)), changeOlder()]);
do {
  await setup.engine.done(GUILD);
  await setup.live.idle();
  // A run that had succeeded before the process died may have left its last step to the next one's look.
  if (!stopping) await setup.considered();
} while (!stopping && (await mayGoOn()));
if (!stopping) {
  say("finished", { status: await status() });
  // SIGTERM ends it.
  if (stays) await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  await setup.stop();
  process.exit(0);
}
