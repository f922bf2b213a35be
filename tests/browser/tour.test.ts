// The demo's page as a newcomer uses it, in a real Chromium: the real bot, the written community, one walk from the first backfill
// to what another member does not see. The tests build on each other.

import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writtenHistory } from "../../sandbox/history/read.ts";
import { type Community, populateWritten } from "../../sandbox/populate.ts";
import { type Stage, setStage } from "../../sandbox/stage.ts";
import type { World } from "../../sandbox/world.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { describeInChromium, picture, takesPictures } from "./chromium.ts";

const BUSY_MS = 150_000;
const DAY_MS = 86_400_000;
/** Of a message: what is below is left to who tries it. Pixels. */
const PICTURE = { width: 640, height: 1_212 };
const MORE_MESSAGES = 1_600;

describeInChromium("a walk through the page", (chromium) => {
  let stage: Stage;
  let page: Page;
  const box = () => page.locator("message-box textarea");
  const message = (text: string | RegExp) => page.locator("discord-message", { hasText: text });
  const latest = (text: string | RegExp) => message(text).last();

  beforeAll(async () => {
    stage = await setStage(populateWithMore, { logLevel: "silent", pagePort: 0 });
    page = await chromium.open(stage.page.url);
  }, BUSY_MS);
  afterAll(async () => {
    await page?.close();
    await stage?.close();
  });

  /** Of what is missing in the middle of a backfill, with all that the analysis comes to say. */
  async function takeAnalysis(): Promise<void> {
    await box().fill("/");
    await page.getByRole("option").first().waitFor();
    await box().fill("/backfill analyze");
    await page.keyboard.press("Enter");
    const analysis = latest(/Backfill analysis/).filter({ hasText: /Ready to start\?/ });
    await analysis.waitFor({ timeout: BUSY_MS });
    await takeWithChart(analysis, "analyze");
  }

  async function takeWithChart(shown: Locator, name: string): Promise<void> {
    const chart = shown.locator("img[alt*='hart']").last();
    const width = () => chart.evaluate((image: { naturalWidth?: number }) => image.naturalWidth ?? 0);
    await expect.poll(width, { timeout: BUSY_MS }).toBeGreaterThan(0);
    const usual = page.viewportSize();
    // High enough for all of the message: what is scrolled away is not drawn.
    await page.setViewportSize({ width: 1280, height: 2_400 });
    await shown.scrollIntoViewIfNeeded();
    const { x, y } = (await shown.boundingBox()) ?? { x: 0, y: 0 };
    await picture(page, name, { x, y, width: PICTURE.width, height: PICTURE.height });
    if (usual) await page.setViewportSize(usual);
  }

  async function switchTo(name: string): Promise<void> {
    await page.getByRole("button", { name: /Switch member/ }).click();
    await page.getByRole("menuitemradio", { name: new RegExp(`^${name}\\b`) }).click();
    await page.getByRole("button", { name: new RegExp(`You are ${name}`) }).waitFor();
  }

  test("/backfill start is completed word by word, and its progress message moves", { timeout: BUSY_MS }, async () => {
    await box().click();
    await page.keyboard.type("/backfill st");
    await page.getByRole("option", { name: "/backfill start" }).waitFor();
    await page.keyboard.press("Enter");
    expect(await box().inputValue()).toBe("/backfill start ");
    await page.keyboard.type("sour");
    await page.keyboard.press("Enter");
    expect(await box().inputValue()).toBe("/backfill start source: ");
    const choices = page.getByRole("listbox").getByRole("option");
    await choices.filter({ hasText: /discord/i }).waitFor();
    while (!/discord/i.test((await page.locator("[aria-selected=true]").textContent()) ?? "")) {
      await page.keyboard.press("ArrowDown");
    }
    await page.keyboard.press("Enter");
    await page.keyboard.type("pace: gentle");
    await page.keyboard.press("Enter");

    await latest(/Backfill running/).waitFor();
    const moved = message(/Backfill running/).filter({ hasText: /[1-9][\d,]* made searchable/ });
    await moved.last().waitFor({ timeout: BUSY_MS });
  });

  test("Pause stops it, and Resume goes on to the report", { timeout: BUSY_MS }, async () => {
    await page.getByRole("button", { name: "Pause", exact: true }).last().click();
    await latest(/Backfill paused/).waitFor();
    await page.getByRole("button", { name: "Resume" }).last().waitFor();
    if (takesPictures) await takeAnalysis();
    await page.getByRole("button", { name: "Resume" }).last().click();
    // The progress message says so, and then the report does.
    await expect.poll(() => message(/Backfill finished/).count(), { timeout: BUSY_MS }).toBe(2);
    if (takesPictures) await takeWithChart(latest(/Backfill finished/), "report");
  });

  test("a search result leads to its message, which is lit up among its neighbours", { timeout: BUSY_MS }, async () => {
    await switchTo("kofi");
    await page.getByRole("link", { name: /^general,/ }).click();
    await box().click();
    await page.keyboard.type("/sea");
    await page.getByRole("option", { name: "/search" }).waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.type("how do I stop my brakes from squealing");
    await page.keyboard.press("Enter");
    const reply = latest(/how do I stop my brakes/);
    await reply.getByText("Only you can see this").waitFor();
    expect(await reply.getAttribute("ephemeral")).not.toBeNull();
    await picture(page, "search-dark");
    await page.getByRole("button", { name: "Light theme" }).click();
    await picture(page, "search-light");
    await page.getByRole("button", { name: "Light theme" }).click();

    const link = reply.getByRole("link", { name: "Jump to the message in bikes" }).first();
    const [, channelId, messageId] = /#(\d+)\/(\d+)/.exec((await link.getAttribute("href")) ?? "") ?? [];
    await link.click();
    await page.getByRole("heading", { name: "bikes", exact: true }).waitFor();
    const target = page.locator(`[data-id="${messageId}"]`);
    await target.waitFor();
    await expect.poll(() => target.getAttribute("highlight")).not.toBeNull();
    expect(stage.sandbox.world.getMessage(messageId ?? "").channelId).toBe(channelId);
    await expect.poll(() => isInView(page, messageId ?? "")).toBe(true);
    await page.getByText("Jump to present").click();
    await expect.poll(() => page.getByText("Jump to present").count()).toBe(0);
  });

  test("who may not read a channel sees neither it, nor its messages, nor the commands of admins", async () => {
    await switchTo("mara");
    await page.getByRole("link", { name: /^moderators, text channel, private/ }).click();
    await page.getByRole("heading", { name: "moderators", exact: true }).waitFor();
    const secret = (await page.locator("discord-message").first().getAttribute("data-id")) ?? "";
    await switchTo("kofi");
    await expect.poll(() => page.getByRole("link", { name: /^moderators/ }).count()).toBe(0);
    expect(await page.getByRole("link", { name: /^backscroll-admin/ }).count()).toBe(0);
    await expect.poll(() => page.locator(`[data-id="${secret}"]`).count()).toBe(0);
    await box().click();
    await page.keyboard.type("/");
    await page.getByRole("option", { name: "/search" }).waitFor();
    expect(await page.getByRole("option", { name: "/backfill start" }).count()).toBe(0);
    await page.keyboard.press("Escape");
    expect(await page.getByRole("option").count()).toBe(0);
    await box().fill("");
  });

  test("“Save as note” in a message's menu makes a note, and /note remove offers it while one types", async () => {
    await page.getByRole("link", { name: /^bikes,/ }).click();
    await page.getByRole("heading", { name: "bikes", exact: true }).waitFor();
    await page.locator("discord-message").last().waitFor();
    const saved = page.locator("discord-message").last();
    const words = ((await saved.locator(".markup").first().textContent()) ?? "").trim().slice(0, 20);
    await saved.click({ button: "right" });
    await page.getByRole("menuitem", { name: "Save as note" }).waitFor();
    await page.getByRole("menuitem", { name: "Save as note" }).click();
    await latest(/note/i).getByText("Only you can see this").waitFor();
    const about = latest(/note/i).locator("discord-command");
    expect(await about.getAttribute("context-message-reply")).toContain(words);
    expect(await about.getAttribute("context-message-deleted")).toBeNull();
    await box().click();
    await page.keyboard.type("/note rem");
    await page.getByRole("option", { name: "/note remove" }).waitFor();
    await page.keyboard.press("Enter");
    await page
      .getByRole("listbox", { name: /^note:/ })
      .getByRole("option")
      .first()
      .waitFor();
    await page.keyboard.press("Enter");
    expect(await box().inputValue()).toMatch(/^\/note remove note: \S/);
    await page.keyboard.press("Enter");
    await latest(/removed/i).waitFor();
  });

  test("nothing was complained about, by the page or by its policy", () => {
    chromium.expectNoComplaints();
  });
});

/** The written community, and small talk enough for the gentle pace to last longer than the pause between two progress posts. */
function populateWithMore(world: World): Community {
  const community = populateWritten(world, writtenHistory({ endsAt: Date.now() }));
  const oldMs = Date.now() - 200 * DAY_MS;
  world.loadMessages(
    Array.from({ length: MORE_MESSAGES }, (_, index) => ({
      id: snowflakeAt(oldMs - index * 60_000),
      channelId: community.lobbyId,
      authorId: index % 2 === 0 ? community.adminId : community.memberId,
      content: `${index} bottles of glue on the shelf`,
    })),
  );
  return community;
}

async function isInView(page: Page, messageId: string): Promise<boolean> {
  const box = await page.locator(`[data-id="${messageId}"]`).boundingBox();
  return box !== null && box.y >= 0 && box.y + box.height <= (page.viewportSize()?.height ?? 0);
}
