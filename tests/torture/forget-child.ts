// A bot process without Discord that does what its parent tells it, one deed after the other, until it is killed:
//
//   node forget-child.ts FOLDER SERVER_URL LATER_MS KEEP_DELETED_HOURS
//
// Each message is a deed, "settle" or "erase"; each is answered when it is done.

import { createSkippableClock, GUILD, openSetup, until } from "../support/engine.ts";
import { perform, settle } from "./forget-deeds.ts";
import type { Deed } from "./forget-world.ts";

export type Order = { readonly deed: Deed } | "settle" | "erase";

const [folder = "", serverUrl = "", laterMs, keepDeletedHours] = process.argv.slice(2);
const clock = createSkippableClock();
clock.skip(Number(laterMs));
const setup = await openSetup({
  folder,
  serverUrl,
  clock,
  holder: `child-${process.pid}`,
  keepDeletedHours: Number(keepDeletedHours),
});
await until(() => setup.ownership.lease(GUILD) !== undefined, "the guild is ours", 120_000);
await setup.engine.recover(GUILD);
setup.live.kick(GUILD);

async function erase(): Promise<void> {
  await until(
    async () => {
      clock.skip(1_000);
      await setup.erasure.look();
      return (await setup.opened.erasureStore.deletions()).length === 0;
    },
    "everything is erased",
    120_000,
  );
}

async function obey(order: Order): Promise<void> {
  if (order === "settle") await settle(setup, GUILD);
  else if (order === "erase") await erase();
  else await perform(setup, GUILD, order.deed);
  process.send?.("done");
}

process.on("message", (order: Order) => {
  obey(order).catch((thrown: unknown) => {
    process.send?.({ failed: String(thrown) });
  });
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
