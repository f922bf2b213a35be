// The whole bot on remote engines, in front of the stand-in for Discord: live messages, a backfill, a search, and an archive that goes
// away while people write.

import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startBackscroll, temporaryFolder, textOf, until } from "../support/backscroll.ts";
import { describeEngines } from "./present.ts";
import { type RemoteEngines, startRemoteEngines } from "./remote.ts";

const PATIENCE_MS = 60_000;

describeEngines("the bot on remote engines", () => {
  let engines: RemoteEngines;
  beforeEach(async () => {
    engines = await startRemoteEngines();
  });
  afterEach(() => engines.close());

  test(
    "collects, embeds and finds history; hears what is written, also while its archive is away",
    async () => {
      const { archive, index } = engines;
      // Nothing is there, and nothing of any size will be.
      const dataDir = join(await temporaryFolder(), "not-made-yet");
      const bot = await startBackscroll({ archive, index, dataDir });
      const { world, ada, admin, general, adminChannel } = bot;
      const before = Date.now() - 86_400_000;
      world.loadMessages(
        Array.from({ length: 250 }, (_, at) => ({
          id: world.state.idAt(before + at * 1000),
          channelId: general.id,
          authorId: ada.id,
          content: `history number ${at} about ${at === 77 ? "an albatross over the harbour" : "gardening"}`,
        })),
      );
      await bot.type(admin.id, "backfill start", { source: "discord", "report-to": adminChannel.id }, adminChannel.id);
      await world.waitForMessage(adminChannel.id, (message) => /Backfill finished/.test(textOf(message)), PATIENCE_MS);
      expect((await bot.search(ada.id, "albatross"))[0]?.text).toContain("albatross");

      const live = bot.say(ada.id, "the ferry to Gotland was late again");
      await bot.untilFound(ada.id, "ferry to Gotland", live);

      await engines.kv.kill();
      const unheard = bot.say(ada.id, "a lighthouse without its keeper");
      const edited = bot.say(ada.id, "written in a hurry");
      world.editMessage(edited, { content: "written with a quill" });
      world.deleteMessage(live);
      await until("it notices", () => bot.logged.some(({ event }) => event === "guild-event:retry"));
      await engines.kv.start();
      await bot.untilFound(ada.id, "lighthouse", unheard);
      await bot.untilFound(ada.id, "quill", edited);
      await bot.untilGone(ada.id, "ferry to Gotland", live);
      // Nothing was asked of Discord for that.
      expect(bot.logged.filter(({ event }) => event === "catch-up:done")).toEqual([]);
    },
    3 * PATIENCE_MS,
  );
});
