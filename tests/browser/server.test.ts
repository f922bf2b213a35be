// The page's server from outside: whom it answers, what it sends along, and that it shows a member no more than Discord would.

import { request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type PageServer, servePage } from "../../sandbox/web/server.ts";
import type { Directory, Happening } from "../../sandbox/web/wire.ts";
import { startDiscord, type TestDiscord } from "../support/discord.ts";

const pages: PageServer[] = [];
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});

async function start(): Promise<{ discord: TestDiscord; page: PageServer }> {
  const discord = await startDiscord();
  const { guild, admin, ben, general } = discord;
  const memberIds = [admin.id, ben.id];
  const page = await servePage(discord.world, { guildId: guild.id, memberIds, channelIds: [general.id], port: 0 });
  pages.push(page);
  return { discord, page };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** With `node:http`, which lets a test lie about its host and origin. */
function ask(url: string, headers: Record<string, string> = {}, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body ? "POST" : "GET", headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}

test("it listens on this machine only and answers to its own name only", async () => {
  const { page } = await start();
  expect(new URL(page.url).hostname).toBe("127.0.0.1");
  expect((await ask(page.url)).status).toBe(200);
  expect((await ask(`${page.url}/api/directory`, { Host: "evil.example" })).status).toBe(421);
});

test("its page may run its own script, may be framed by nobody, and names no other address", async () => {
  const { page } = await start();
  const { headers, body } = await ask(page.url);
  expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self';");
  expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect(body).not.toMatch(/https?:/);
});

test("a page of another origin can do nothing in a member's name", async () => {
  const { discord, page } = await start();
  const post = { do: "post", channelId: discord.general.id, content: "not me" };
  for (const headers of [{}, { Origin: "http://evil.example" }, { Origin: "null" }]) {
    expect((await ask(`${page.url}/api/actions`, headers, post)).status).toBe(403);
  }
  expect(discord.general.messages.size).toBe(0);
  expect((await ask(`${page.url}/api/actions`, { Origin: page.url }, post)).status).toBe(200);
  expect(discord.general.messages.last?.content).toBe("not me");
});

test("a member's directory, history and commands hold only what that member may see", async () => {
  const { discord, page } = await start();
  const { ben, ada, secret, privateThread, world } = discord;
  world.postMessage({ channelId: secret.id, authorId: ada.id, content: "the safe's code" });
  const directoryOf = async (id: string) =>
    JSON.parse((await ask(`${page.url}/api/directory?as=${id}`)).body) as Directory;
  const names = async (id: string) => (await directoryOf(id)).places.map(({ id: placeId }) => placeId);
  expect(await names(ada.id)).toEqual(expect.arrayContaining([secret.id, privateThread.id]));
  expect(await names(ben.id)).not.toContain(secret.id);
  expect(await names(ben.id)).not.toContain(privateThread.id);
  for (const what of ["history", "commands"]) {
    const answer = await ask(`${page.url}/api/${what}?as=${ben.id}&channel=${secret.id}`);
    expect(answer.status).toBe(422);
    expect(answer.body).not.toContain("safe");
  }
  expect((await ask(`${page.url}/api/directory?as=12345678901234567`)).status).toBe(422);
});

test("what happens is told to those who can read it, and to nobody else", async () => {
  const { discord, page } = await start();
  const { ada, ben, secret, general, world } = discord;
  const heard: Happening[] = [];
  const stream = await fetch(`${page.url}/api/happenings?as=${ben.id}`);
  const listening = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream.body ?? []) {
      for (const line of decoder.decode(chunk as Uint8Array).split("\n")) {
        if (line.startsWith("data: ")) heard.push(JSON.parse(line.slice(6)) as Happening);
      }
      if (heard.some((each) => each.type === "message" && each.message.content === "the end")) return;
    }
  })();
  world.postMessage({ channelId: secret.id, authorId: ada.id, content: "hidden" });
  world.postMessage({ channelId: general.id, authorId: ada.id, content: "shown" });
  world.postMessage({ channelId: general.id, authorId: ada.id, content: "the end" });
  await listening;
  expect(heard.map((each) => each.type === "message" && each.message.content)).toEqual(["shown", "the end"]);
});

test("an attachment opened by itself has no rights, and one without a file shows as a picture of its alt text", async () => {
  const { discord, page } = await start();
  const { ada, general, world } = discord;
  const { attachments = [] } = world.postMessage({
    channelId: general.id,
    authorId: ada.id,
    attachments: [
      { filename: "page.html", contentType: "text/html", data: "<script>alert(1)</script>" },
      { filename: "cat.png", description: "A <cat> on a bench" },
    ],
  });
  const fileAt = (index: number) =>
    ask(`${page.url}/attachments/${general.id}/${attachments[index]?.id}/${attachments[index]?.filename}`);
  const file = await fileAt(0);
  expect(file.headers["content-security-policy"]).toContain("sandbox");
  const picture = await fileAt(1);
  expect(picture.headers["content-type"]).toBe("image/svg+xml");
  expect(picture.body).toContain("A &lt;cat&gt; on a bench");
});
