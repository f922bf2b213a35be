import { ChannelType, Events, type TextChannel } from "discord.js";
import { describe, expect, it } from "vitest";
import { startDiscord } from "../support/discord.ts";

describe("a real discord.js client", () => {
  it("logs in and finds guild, channels, roles and threads in its cache", async () => {
    const discord = await startDiscord();
    const client = await discord.login();
    expect(client.user.username).toBe("backscroll");
    const guild = client.guilds.cache.get(discord.guild.id);
    expect(guild?.name).toBe("Test guild");
    expect(guild?.memberCount).toBe(4);
    expect(guild?.members.me?.id).toBe(client.user.id);
    expect(guild?.roles.cache.map((role) => role.name).sort()).toEqual(["@everyone", "backscroll", "insiders"]);
    expect(guild?.channels.cache.get(discord.general.id)?.type).toBe(ChannelType.GuildText);
    expect(guild?.channels.cache.get(discord.publicThread.id)?.isThread()).toBe(true);
    expect(client.application.id).toBe(client.user.id);
  });

  it("hears a member's message and answers it", async () => {
    const discord = await startDiscord();
    const client = await discord.login();
    client.on(Events.MessageCreate, (message) => {
      if (!message.author.bot) void message.reply(`you said ${message.content}`);
    });
    discord.world.postMessage({ channelId: discord.general.id, authorId: discord.ada.id, content: "hello" });
    const answer = await discord.world.waitForMessage(
      discord.general.id,
      (message) => message.author.id === client.user.id,
    );
    expect(answer.content).toBe("you said hello");
    expect(answer.referenced_message?.content).toBe("hello");
  });

  it("pages through history newest first", async () => {
    const discord = await startDiscord();
    const { world, general, ada } = discord;
    const start = Date.now() - 86_400_000;
    world.loadMessages(
      Array.from({ length: 250 }, (_, index) => ({
        id: world.state.idAt(start + index * 1000),
        channelId: general.id,
        authorId: ada.id,
        content: `message ${index}`,
      })),
    );
    const client = await discord.login();
    const channel = (await client.channels.fetch(general.id)) as TextChannel;
    const seen: string[] = [];
    let before: string | undefined;
    for (;;) {
      const page = await channel.messages.fetch({ limit: 100, ...(before ? { before } : {}) });
      if (page.size === 0) break;
      seen.push(...page.map((message) => message.content));
      before = page.last()?.id;
    }
    expect(seen).toEqual(Array.from({ length: 250 }, (_, index) => `message ${249 - index}`));
  });
});
