// npm run policy [-- --intent]: prints the privacy policy to publish, or the answers for Discord's message content intent, with what the
// settings tell filled in. What only whoever runs the bot knows stays in [square brackets]. Exit code 0, or 1 when the settings are wrong.

import "../app/check-platform.ts";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseServerAddress } from "../adapters/openai/address.ts";
import { runProgram } from "../app/command-line.ts";
import { type LocalConfig, readLocalConfig } from "../app/config.ts";

const usage = (call: string) => `Usage: ${call} [--intent]

Prints a privacy policy for your bot, in Markdown, with what .env says filled in; what stands in [square brackets] is yours to say.
--intent  the answers for Discord's review of the message content intent instead`;

type Told = Pick<
  LocalConfig,
  "archive" | "index" | "embeddings" | "commandPrefix" | "keepDeletedHours" | "keepLeftDays" | "keepUnreadableDays"
>;

function facts(config: Told): Readonly<Record<string, string>> {
  const isRemote = config.archive !== undefined || config.index !== undefined;
  const address = config.embeddings && parseServerAddress(config.embeddings.baseUrl);
  const texts =
    address === undefined || address.local
      ? "Texts are turned into numbers on the same machine or network: none is sent anywhere else."
      : `To be turned into numbers, each text is sent to ${address.host}. [Who runs that, where, and what they do with it.]`;
  return {
    WHERE: isRemote
      ? "in a database and a file store on the network [whose, and where]"
      : "on the machine that the bot runs on",
    TEXTS: texts,
    PREFIX: `/${config.commandPrefix}`,
    KEEP_DELETED_HOURS: String(config.keepDeletedHours),
    KEEP_LEFT_DAYS: deletedAfter(config.keepLeftDays),
    KEEP_UNREADABLE_DAYS: deletedAfter(config.keepUnreadableDays),
  };
}

function deletedAfter(days: number): string {
  if (!Number.isFinite(days)) return "what is stored of them is kept [why, and until when]";
  if (days === 0) return "what is stored of them is deleted at once";
  return `what is stored of them is deleted ${days === 1 ? "a day" : `${days} days`} later`;
}

await runProgram({
  name: "policy",
  usage,
  flags: { intent: { type: "boolean" } },
  async run({ intent }) {
    const page = intent ? "message-content-intent.md" : "privacy-policy.template.md";
    const text = await readFile(fileURLToPath(new URL(`../../docs/${page}`, import.meta.url)), "utf8");
    const known = facts(await readLocalConfig());
    const filled = text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => known[name] ?? whole);
    // What is told about the page itself is not for those who read it.
    console.log(filled.replace(/^\*A template\..*\*\n\n/m, ""));
    return 0;
  },
});
