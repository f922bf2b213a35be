// What the demo plays, as its people would type it: analyze, start, watch until it is done, then search.

import type { APIMessage } from "discord-api-types/v10";
import { reasonText } from "../src/views/reasons.ts";
import type { OptionValues } from "./command-shapes.ts";
import type { InteractionHandle } from "./interaction-handle.ts";
import type { Stage } from "./stage.ts";
import { isAnswer, renderInTerminal } from "./terminal.ts";

const REPLY_MS = 120_000;
const BACKFILL_MS = 30 * 60_000;
const PROGRESS_MS = 1_000;
/** Work that goes on shows it more often than this. */
const QUIET_MS = 6_000;

export type Print = (text: string) => void;

/** @returns the problems; none when all of it worked */
export async function play(stage: Stage, print: Print): Promise<string[]> {
  const { community } = stage;
  const problems: string[] = [];
  print(
    `\nThe stand-in for Discord has the server “${community.guildName}” with ${community.messages.toLocaleString("en")} messages.\n` +
      "The bot has just joined: it has seen none of them yet.",
  );
  await typeIt(stage, print, "admin", "backfill", "analyze", {});
  const started = await typeIt(stage, print, "admin", "backfill", "start", {
    source: "discord",
    "report-to": community.adminChannelId,
  });
  if (!/start/i.test(allText(started))) problems.push(`the backfill did not start: ${allText(started)}`);
  else problems.push(...(await watch(stage, print)));

  for (const { ownerId, channelId, text, visibility } of community.notes.slice(0, 3)) {
    stage.sandbox.world.runCommand({
      userId: ownerId,
      channelId,
      name: "note",
      subcommand: "add",
      options: { text, visibility },
    });
  }
  for (const query of community.queries) {
    print(`\n(looking for: ${query.expects})`);
    const reply = await typeIt(stage, print, "member", "search", undefined, { query: query.text });
    const found = query.relevantIds.some((id) => allText(reply).includes(id));
    if (!found) problems.push(`“${query.text}” did not find what it should on the first page`);
  }
  return problems;
}

/** Runs a command as somebody and prints both sides. */
async function typeIt(
  { sandbox, community }: Stage,
  print: Print,
  who: "admin" | "member",
  name: string,
  subcommand: string | undefined,
  options: OptionValues,
): Promise<APIMessage> {
  const nameOf = namer(sandbox);
  const typed = Object.entries(options).map(([option, value]) => `${option}: ${nameOf(String(value))}`);
  print(`\n${nameOf(community[`${who}Id`])} › /${[name, subcommand, ...typed].filter(Boolean).join(" ")}`);
  const handle = sandbox.world.runCommand({
    userId: community[`${who}Id`],
    channelId: who === "admin" ? community.adminChannelId : community.lobbyId,
    name,
    ...(subcommand && { subcommand }),
    options,
  });
  const reply = await answerOf(handle);
  print(renderInTerminal(reply, nameOf));
  return reply;
}

/** The answer once the command has come to an end; one in plain words is what has not changed for a while. */
export async function answerOf(handle: InteractionHandle): Promise<APIMessage> {
  let latest = await handle.response(REPLY_MS);
  for (;;) {
    if (isAnswer(latest)) return latest;
    const before = latest.edited_timestamp;
    const next = await handle
      .until((message) => message && message.edited_timestamp !== before && message, QUIET_MS)
      .catch(() => undefined);
    if (next === undefined) return latest;
    latest = next;
  }
}

/** Follows the progress message until the run is over. */
async function watch({ sandbox, community, backscroll }: Stage, print: Print): Promise<string[]> {
  const startedAt = Date.now();
  let shown = "";
  for (;;) {
    const { run, recordsPerSecond } = await backscroll.status(community.guildId);
    const phases = run?.phases.map(
      ({ name, counters, planned }) => `${name} ${counters.read.toLocaleString("en")}/${planned.toLocaleString("en")}`,
    );
    const collected =
      run?.collection?.finished === false ? `collected ${run.collection.collected.toLocaleString("en")} messages` : "";
    const rate =
      recordsPerSecond === undefined ? "" : `, ${Math.round(recordsPerSecond).toLocaleString("en")} messages a second`;
    const line = `  ${run?.status}: ${collected || `${phases?.join(", ")}${rate}`}`;
    if (line !== shown) print(line);
    shown = line;
    if (run !== undefined && ["succeeded", "failed", "cancelled", "paused", "interrupted"].includes(run.status)) {
      // Written when the run had ended; the progress message is older, whatever has become of it.
      const { statusAt, progressMessage } = run;
      const report = await sandbox.world.waitForMessage(
        community.adminChannelId,
        ({ id, timestamp }) => Date.parse(timestamp) >= statusAt && id !== progressMessage?.messageId,
        REPLY_MS,
      );
      print(`\n#backscroll-admin:\n${renderInTerminal(report, namer(sandbox))}`);
      return run.status === "succeeded"
        ? []
        : [`the backfill ended as ${run.status}: ${reasonText(run.reason, "/backfill")}`];
    }
    if (Date.now() - startedAt > BACKFILL_MS) return ["the backfill took longer than half an hour"];
    await new Promise((resolve) => setTimeout(resolve, PROGRESS_MS));
  }
}

function allText(message: APIMessage): string {
  return JSON.stringify([message.content, message.embeds]);
}

/** Names of channels and people for the terminal. */
export function namer({ world }: Stage["sandbox"]): (id: string) => string {
  return (id) => {
    const channel = /^\d+$/.test(id) ? world.findChannel(id)?.channel : undefined;
    const user = world.state.users.get(id);
    return channel?.name ?? user?.globalName ?? user?.username ?? id;
  };
}
