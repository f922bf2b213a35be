import { expect, it } from "vitest";
import { LAST_SNOWFLAKE } from "../../src/snowflake.ts";
import { startDiscord } from "../support/discord.ts";

/** Processor time of this process in milliseconds: says what the work costs, whatever else the machine is doing. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

it("loads 62,512 messages within two seconds and serves a hundred pages of history a second", async () => {
  const discord = await startDiscord({ validate: false, rateLimits: false });
  const { world, general, ada, ben } = discord;
  const first = Date.UTC(2022, 0, 1);
  function* history() {
    for (let index = 0; index < 62_512; index++) {
      const id = world.state.idAt(first + index * 60_000);
      yield {
        id,
        channelId: general.id,
        authorId: (index % 2 ? ada : ben).id,
        content: `message ${index} about things`,
      };
    }
  }
  const loadStart = cpuMs();
  expect(world.loadMessages(history())).toEqual({ loaded: 62_512 });
  expect(cpuMs() - loadStart).toBeLessThan(2000);

  async function readPages(count: number): Promise<void> {
    let before = LAST_SNOWFLAKE;
    for (let page = 0; page < count; page++) {
      const answer = await fetch(`${discord.apiUrl}/v10/channels/${general.id}/messages?limit=100&before=${before}`, {
        headers: { authorization: `Bot ${discord.token}` },
      });
      const messages = (await answer.json()) as { id: string }[];
      expect(messages).toHaveLength(100);
      before = messages.at(-1)?.id ?? "";
    }
  }
  await readPages(20);
  const pageStart = cpuMs();
  await readPages(100);
  // Client and server together: both run in this process.
  expect(cpuMs() - pageStart).toBeLessThan(1500);
});
