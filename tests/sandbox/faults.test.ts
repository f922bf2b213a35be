import { type EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { Events, RESTEvents, type TextChannel } from "discord.js";
import { describe, expect, it } from "vitest";
import { startDiscord, type TestDiscordOptions } from "../support/discord.ts";

async function start(options?: TestDiscordOptions) {
  const discord = await startDiscord(options);
  const client = await discord.login();
  const channel = (await client.channels.fetch(discord.general.id)) as TextChannel;
  return { discord, client, channel };
}

describe("an outage of a guild", () => {
  it("hides it from a client that is connected and from one that connects, and loses its events, until it is back", async () => {
    const { discord, client } = await start();
    const { faults, guild, world, general, ada } = discord;
    const seen: string[] = [];
    client.on(Events.MessageCreate, ({ content }) => void seen.push(content));
    const gone = once(client as unknown as EventEmitter, Events.GuildUnavailable);
    faults.guildOutage(guild.id);
    await gone;
    world.postMessage({ channelId: general.id, authorId: ada.id, content: "unheard" });
    const other = discord.createClient();
    await other.login(discord.token);
    expect(client.guilds.cache.get(guild.id)?.available).toBe(false);
    const back = once(client as unknown as EventEmitter, Events.GuildAvailable);
    faults.guildBack(guild.id);
    await back;
    const heard = once(client as unknown as EventEmitter, Events.MessageCreate);
    world.postMessage({ channelId: general.id, authorId: ada.id, content: "heard" });
    await heard;
    expect(seen).toEqual(["heard"]);
  });
});

describe("rate limits", () => {
  it("make discord.js wait before a sixth message in five seconds, and lose none", async () => {
    const { discord, client, channel } = await start();
    let waits = 0;
    client.rest.on(RESTEvents.RateLimited, () => waits++);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 6 }, (_, index) => channel.send(`${index}`)));
    expect(performance.now() - startedAt).toBeGreaterThan(4500);
    expect(waits).toBeGreaterThan(0);
    expect(channel.messages.cache.map(({ content }) => content)).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(discord.requests.filter(({ status }) => status === 429)).toEqual([]);
  });

  it("answer 429 with the time to wait to a client that ignores them", async () => {
    const { discord } = await start();
    const statuses: number[] = [];
    let last: Response | undefined;
    for (let index = 0; index < 6; index++) {
      last = await fetch(`${discord.apiUrl}/v10/channels/${discord.general.id}/messages`, {
        method: "POST",
        headers: { authorization: `Bot ${discord.token}`, "content-type": "application/json" },
        body: JSON.stringify({ content: `${index}` }),
      });
      statuses.push(last.status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    const body = (await last?.json()) as { retry_after: number; global: boolean };
    expect(body.global).toBe(false);
    expect(body.retry_after).toBeGreaterThan(3);
    expect(Number(last?.headers.get("retry-after"))).toBe(body.retry_after);
    expect(last?.headers.get("x-ratelimit-limit")).toBe("5");
    expect(last?.headers.get("x-ratelimit-remaining")).toBe("0");
  });

  it("stop all requests beyond fifty a second", async () => {
    const { discord } = await start();
    const get = () => fetch(`${discord.apiUrl}/v10/users/@me`, { headers: { authorization: `Bot ${discord.token}` } });
    const from = discord.requests.length;
    const answers = await Promise.all(Array.from({ length: 300 }, get));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    // However slowly they come.
    const seconds = ((discord.requests.at(-1)?.at ?? 0) - (discord.requests[from]?.at ?? 0)) / 1_000;
    expect(answers.length - refused.length).toBeLessThanOrEqual(50 * Math.ceil(seconds + 1));
    expect(refused[0]?.headers.get("x-ratelimit-global") ?? refused[0]?.headers.get("x-ratelimit-limit")).toBeTruthy();
  });

  it("throttle edits of messages older than an hour with error 30046, not of younger ones", async () => {
    const { discord, channel } = await start({ rateLimits: { oldEdits: { limit: 2, windowMs: 60_000 } } });
    const message = await channel.send("progress 0");
    await message.edit("progress 1");
    discord.clock.advance(3_600_001);
    await message.edit("progress 2");
    await message.edit("progress 3");
    const edit = await fetch(`${discord.apiUrl}/v10/channels/${channel.id}/messages/${message.id}`, {
      method: "PATCH",
      headers: { authorization: `Bot ${discord.token}`, "content-type": "application/json" },
      body: JSON.stringify({ content: "progress 4" }),
    });
    expect(edit.status).toBe(429);
    expect(await edit.json()).toMatchObject({ code: 30046 });
    expect(discord.world.getMessage(message.id).content).toBe("progress 3");
    // discord.js takes it for a rate limit and waits; a bot that wants to know must say so.
    const impatient = discord.createClient({ rest: { rejectOnRateLimit: () => true } });
    impatient.rest.setToken(discord.token);
    const path = `/channels/${channel.id}/messages/${message.id}` as const;
    await expect(impatient.rest.patch(path, { body: { content: "x" } })).rejects.toMatchObject({
      name: expect.stringContaining("RateLimitError"),
    });
  });
});

describe("faults", () => {
  it("answer with a server error as often as asked, which discord.js retries", async () => {
    const { discord, channel } = await start();
    discord.faults.fail({ match: /^POST .*\/messages$/, count: 2, status: 503 });
    await channel.send("got through");
    const statuses = discord.requests.filter(({ method }) => method === "POST").map(({ status }) => status);
    expect(statuses).toEqual([503, 503, 200]);
  });

  it("do the work and lose the answer", async () => {
    const { discord, client } = await start();
    client.rest.options.retries = 0;
    discord.faults.fail({ match: /^POST .*\/messages$/, status: 502, executed: true });
    const post = client.rest.post(`/channels/${discord.general.id}/messages`, { body: { content: "written" } });
    await expect(post).rejects.toMatchObject({ status: 502 });
    expect(discord.world.visibleMessages(discord.ada.id, discord.general.id)).toHaveLength(1);
  });

  it("answer 429, slowly, or not at all", async () => {
    const { discord, client } = await start();
    const get = () => client.rest.get(`/channels/${discord.general.id}`);
    for (const switchOn of [
      () => discord.faults.rateLimit({ retryAfterMs: 200 }),
      () => discord.faults.slow({ delayMs: 200 }),
    ]) {
      switchOn();
      const startedAt = performance.now();
      await get();
      expect(performance.now() - startedAt).toBeGreaterThan(190);
    }
    client.rest.options.retries = 0;
    discord.faults.reset();
    await expect(get()).rejects.toThrow();
    await expect(get()).resolves.toBeDefined();
  });

  it("refuse every connection until they are accepted again, and the session goes on", async () => {
    const { discord, client } = await start();
    const contents: string[] = [];
    client.on(Events.MessageCreate, ({ content }) => contents.push(content));
    await discord.faults.refuseConnections();
    const { port } = new URL(discord.url);
    const [error] = (await once(connect(Number(port), "127.0.0.1"), "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    const { world, general, ada } = discord;
    world.postMessage({ channelId: general.id, authorId: ada.id, content: "meanwhile" });
    await discord.faults.acceptConnections();
    await expect.poll(() => discord.gateway.connections, { timeout: 10_000 }).toBe(1);
    world.postMessage({ channelId: general.id, authorId: ada.id, content: "afterwards" });
    await expect.poll(() => contents.includes("afterwards"), { timeout: 5000 }).toBe(true);
  });
});
