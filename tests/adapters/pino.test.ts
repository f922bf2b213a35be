import { expect, test } from "vitest";
import { createLogger } from "../../src/adapters/pino.ts";

function startLog(level: Parameters<typeof createLogger>[0], secrets?: () => string[]) {
  const lines: string[] = [];
  return { log: createLogger(level, secrets, (line) => void lines.push(line)), lines };
}

test("a line is one JSON object with its event and its fields", () => {
  const { log, lines } = startLog("info");
  log.info("run:started", { guildId: "77", planned: 5 });
  log.debug("too:fine");
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ msg: "run:started", guildId: "77", planned: 5, level: 30 });
});

test("fields named like secrets or like what members write are redacted, one level down too", () => {
  const { log, lines } = startLog("debug");
  const telling = { token: "t-1", apiKey: "t-2", authorization: "t-3", content: "t-4", text: "t-5", query: "t-6" };
  log.error("a:b", { ...telling, inner: telling });
  expect(lines.join()).not.toMatch(/t-\d/);
  expect(lines.join()).toContain('"content":"[redacted]"');
});

test("known secrets, and the tokens in Discord's addresses, are masked wherever they turn up", () => {
  let secret = "";
  const { log, lines } = startLog("debug", () => [secret]);
  secret = "abc.def.secret-token";
  log.warn("a:b", {
    error: `401 for Bot ${secret}`,
    url: "https://discord.com/api/v10/webhooks/123/aW50ZXJhY3Rpb246MTIz/messages/@original",
  });
  expect(lines.join()).not.toContain("secret-token");
  expect(lines.join()).not.toContain("aW50ZXJhY3Rpb246MTIz");
  expect(lines.join()).toContain("/webhooks/123/[redacted]/messages/@original");
});
