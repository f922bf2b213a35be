// A real Chromium for the tests of the page. Where there is none, those tests are skipped and say so.

import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const executablePath = names
  .map((name) => spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim())
  .find((path) => path !== "");

const quiet = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Set by `npm run screenshots`; otherwise tests leave the pictures of the documentation alone. */
export const takesPictures = (import.meta as { env?: { MODE?: string } }).env?.MODE === "screenshots";
const pictures = join(import.meta.dirname, "../../docs/pictures");

export interface Chromium {
  /** A fresh window at an address. Whatever the page or its policy complains about fails `expectNoComplaints`. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  expectNoComplaints(): void;
}

/** A block of tests in one real Chromium; skipped, with a reason, where there is none. */
export function describeInChromium(name: string, tests: (chromium: Chromium) => void): void {
  if (executablePath === undefined) {
    console.warn(`Skipped “${name}”: there is no Chromium on this machine (Debian: apt-get install chromium)`);
    describe.skip(name, () => tests({ open: notHere, expectNoComplaints() {} }));
    return;
  }
  describe(name, () => {
    let browser: Browser | undefined;
    const complaints: string[] = [];
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: quiet });
    });
    afterAll(async () => {
      await browser?.close();
    });
    tests({
      async open(url, options = {}) {
        if (!browser) throw new Error("Chromium has not started");
        const context = await browser.newContext({
          viewport: { width: 1280, height: 960 },
          colorScheme: "dark",
          reducedMotion: "reduce",
          ...options,
        });
        context.setDefaultTimeout(20_000);
        const page = await context.newPage();
        page.on("console", (line) => {
          if (line.type() === "error") complaints.push(line.text());
        });
        page.on("pageerror", (error) => complaints.push(error.message));
        await page.goto(url);
        await page.locator("message-box textarea").waitFor();
        return page;
      },
      expectNoComplaints() {
        expect(complaints).toEqual([]);
      },
    });
  });
}

type Clip = NonNullable<Parameters<Page["screenshot"]>[0]>["clip"];

function notHere(): Promise<Page> {
  return Promise.reject(new Error("there is no Chromium"));
}

/** docs/pictures/{name}.png, when pictures are asked for. @param clip the part of the page to take, else all that is in view */
export async function picture(page: Page, name: string, clip?: Clip): Promise<void> {
  if (!takesPictures) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), ...(clip && { clip }) });
}
