// npm run policy: the papers, with what the settings tell filled in; as a process.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/backscroll.ts";

async function policy(settings: Record<string, string>, ...args: string[]): Promise<string> {
  const script = join(import.meta.dirname, "../../src/cli/policy.ts");
  // A folder without an .env of its own.
  const cwd = await temporaryFolder();
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], {
    cwd,
    env: settings,
  });
  return stdout;
}

test("both papers say what the settings say, and leave nothing open but what is for whoever runs the bot to tell", async () => {
  const plain = await policy({});
  expect(plain).toContain("It is stored on the machine that the bot runs on.");
  expect(plain).toContain("Servers that the bot has left: what is stored of them is deleted 30 days later.");
  expect(plain).toContain("traces in files are gone within 24 hours");
  expect(plain).toContain("none is sent anywhere else");
  expect(plain).toContain("`/privacy opt-out`");
  const settings = {
    EMBEDDINGS_URL: "https://api.example.com/v1",
    COMMAND_PREFIX: "bs-",
    KEEP_LEFT_DAYS: "0",
    KEEP_UNREADABLE_DAYS: "forever",
    KEEP_DELETED_HOURS: "6",
  };
  const papers = [await policy(settings), await policy(settings, "--intent")];
  for (const paper of papers) {
    expect(paper).toContain("each text is sent to api.example.com");
    expect(paper).toContain("/bs-privacy opt-out");
    expect(paper).toContain("is deleted at once");
    expect(paper).toMatch(/is kept \[why/);
    expect(paper).toContain("within 6 hours");
  }
  for (const paper of [plain, ...papers]) {
    expect(paper).not.toContain("{{");
    expect(paper).toMatch(/\[\w/);
  }
});
