import type { TextChannel } from "discord.js";
import { describe, expect, it } from "vitest";
import { startDiscord, type TestDiscordOptions } from "../support/discord.ts";

async function start(options?: TestDiscordOptions) {
  const discord = await startDiscord(options);
  const client = await discord.login();
  const channel = (await client.channels.fetch(discord.general.id)) as TextChannel;
  return { discord, client, channel };
}

describe("the official description", () => {
  it("finds unknown routes, misspelt fields, wrong values and unknown queries", async () => {
    const { discord, client } = await start({ mayViolate: true });
    const path = `/channels/${discord.general.id}/messages` as const;
    await expect(client.rest.get("/guilds/1/stickers")).rejects.toMatchObject({ status: 404 });
    await client.rest.post(path, { body: { content: "x", embedz: [] } });
    const strange = client.rest.post(path, { body: { content: "x", embeds: [{ title: "t", color: -1 }] } });
    await expect(strange).rejects.toMatchObject({ code: 50035 });
    await client.rest.get(path, { query: new URLSearchParams({ befor: "1" }) });
    expect(discord.violations.map(({ where, problem }) => `${where}: ${problem}`)).toEqual([
      "route: the stand-in has no such route",
      "request: embedz: the description knows no such field",
      "request: embeds.0.color: Invalid input",
      "request: query befor is unknown",
    ]);
  });

  it("is silent about a healthy session", async () => {
    const { discord, channel } = await start();
    await channel.send("fine");
    expect(discord.violations).toEqual([]);
  });
});
