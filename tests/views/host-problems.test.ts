import { expect, test } from "vitest";
import type { HostProblem } from "../../src/ports/discord.ts";
import { announcementView } from "../../src/views/announcement.ts";
import { statusView } from "../../src/views/status.ts";
import { exampleStatus } from "./examples.ts";
import { expectSendable, textOf } from "./valid.ts";

const problems: readonly HostProblem[] = [
  { kind: "command-taken", command: "/search" },
  { kind: "command-removed", command: "Apps → Save as note" },
  { kind: "intent-lacking", intent: "Guilds" },
  { kind: "intent-lacking", intent: "GuildMessages" },
  { kind: "intent-lacking", intent: "MessageContent" },
];

test("what only whoever runs the bot can mend is told with what to do, in the admin channel and in status", () => {
  const status = exampleStatus({ hostProblems: problems });
  const post = announcementView({ kind: "host-problems", status, problems });
  for (const view of [post, statusView(status)]) {
    expectSendable(view);
    const text = textOf(view);
    expect(text).toContain("**/search** is another command of this bot");
    expect(text).toContain("`commandPrefix`");
    expect(text).toContain("**Apps → Save as note** is taken off Discord again and again");
    expect(text).toContain("`commandDefinitions`");
    expect(text).toContain("the intent **Guilds**");
  }
  for (const intent of ["Guilds", "GuildMessages", "MessageContent"]) {
    expect(textOf(post)).toContain(`Add ${intent} to the \`intents\` of its client`);
  }
  expect(textOf(statusView(exampleStatus({ hostProblems: [] })))).not.toContain("whoever runs this bot");
});
