// Analyze and start say where texts go: to which host, or that they stay.

import { expect, test } from "vitest";
import { analysisView } from "../../src/views/analysis.ts";
import { startView } from "../../src/views/answers.ts";
import { channel, GUILD, hoursAgo, message, openSetup } from "../support/engine.ts";
import { testEmbedder } from "../support/test-embedder.ts";

async function told(sendsTextsTo: string | undefined) {
  const setup = await openSetup({ embedder: { ...testEmbedder(), sendsTextsTo } });
  try {
    const empty = JSON.stringify(analysisView(await setup.engine.analyze(GUILD)));
    await setup.archive.saveChannels(GUILD, [channel("10")]);
    await setup.archive.save(GUILD, [message(hoursAgo(1), "a text on its way")], { pending: false });
    const analyzed = JSON.stringify(analysisView(await setup.engine.analyze(GUILD)));
    const asked = { startedBy: "1", adminChannelId: "2" };
    const started = startView(await setup.engine.start(GUILD, asked), asked).content;
    await setup.settled();
    return { empty, analyzed, started };
  } finally {
    await setup.close();
  }
}

test("texts that leave this machine are told with the host, before anything is stored and at the start, too", async () => {
  const { empty, analyzed, started } = await told("api.example.com");
  for (const text of [empty, analyzed, started]) expect(text).toContain("sent to **api.example.com**");
});

test("of those that stay, analyze says so, and start says nothing", async () => {
  const { empty, analyzed, started } = await told(undefined);
  for (const text of [empty, analyzed]) expect(text).toContain("No text leaves this machine");
  expect(started).toContain("has started");
  expect(started).not.toContain("sent to");
});
