// What was deleted is in no object of the store any more, nor in what was kept of them. The database server's own file is its operator's.

import { expect, test } from "vitest";
import { channel, GUILD, hoursAgo, message, openSetup, until } from "../support/engine.ts";
import { filesWith } from "../support/files-with.ts";
import { describeEngines } from "./present.ts";
import { startRemoteEngines } from "./remote.ts";

describeEngines("erasure on remote engines", () => {
  test("a deleted message is in no object any more, and the archive is told to be the server's", async () => {
    const engines = await startRemoteEngines();
    const stores = engines.stores();
    const setup = await openSetup({ stores, keepDeletedHours: 0.5 / 3_600 });
    try {
      const hear = (n: number, content: string, channelId = "10") =>
        setup.live.messageSaved(GUILD, message(hoursAgo(0, n * 1_000), content, { channelId }), channel(channelId));
      for (let n = 1; n < 12; n += 1) await hear(n, `sentence number ${n}`);
      await hear(20, "a zanzibarine", "11");
      await setup.live.idle();
      const { index } = await setup.indexes.open(GUILD);
      await index.optimize({ keepVersionsMs: 0 });
      expect(await filesWith(engines.objectsFolder, "zanzibarin")).not.toEqual([]);
      expect((await index.rows([hoursAgo(0, 20_000)])).map(({ text }) => text)).toEqual(["a zanzibarine"]);
      expect(await filesWith(stores.dataDir, "zanzibarin")).not.toEqual([]);
      await setup.live.messagesDeleted(GUILD, [hoursAgo(0, 20_000)]);
      await setup.live.idle();
      const erased = () => setup.log.find(({ event }) => event === "guild:erased");
      await until(
        async () => {
          setup.clock.skip(1_000);
          await setup.erasure.look();
          return (await setup.opened.erasureStore.deletions()).length === 0;
        },
        "it is erased",
        60_000,
      );
      expect(erased()?.fields).toMatchObject({ isCompact: false });
      expect(await filesWith(engines.objectsFolder, "zanzibarin")).toEqual([]);
      await until(
        async () => (await filesWith(stores.dataDir, "zanzibarin")).length === 0,
        "what was read of it is gone, too",
        10_000,
      );
      expect(await index.count()).toBe(11);
    } finally {
      await setup.close();
      await engines.close();
    }
  }, 120_000);
});
