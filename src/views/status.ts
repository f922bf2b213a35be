// /backfill status: the run, what waits, the lights, and whether reports arrive. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import type { Rechecking } from "../sync/recheck.ts";
import type { Gaps } from "../sync/resync.ts";
import { spendingText } from "./cost.ts";
import { changeLine } from "./generation-change.ts";
import { healthField } from "./health.ts";
import { hostProblemText } from "./host-problems.ts";
import { button, card, colors, customId, fitLines, joinLines, type View } from "./message.ts";
import { alertsField, runButtons, runEmbed } from "./progress.ts";
import { count, plain } from "./words.ts";

export function statusView(status: BackfillStatus): View {
  const embed = status.run ? runEmbed(status, status.run) : noRunEmbed(status);
  const extra: APIEmbedField[] = [{ name: "New messages", value: newMessages(status) }];
  if (status.change) {
    extra.unshift({ name: "The search index is being changed", value: changeLine(status.change) });
  } else if (status.otherModel) {
    extra.unshift({
      name: "The search model was changed",
      value:
        "The backfill below was for another one, and search does not use what it made. Analyze shows what is missing.",
    });
  }
  if (status.rechecking) {
    extra.push({ name: "What changed while I was away", value: rechecking(status.rechecking) });
  }
  if (status.quarantined) {
    extra.push({
      name: "Set aside",
      value: `${count(status.quarantined, "message")} could not be made searchable. Show failures says why, and lets you try again.`,
    });
  }
  if (status.spending) extra.push({ name: "Used of the search model", value: spendingText(status.spending) });
  if (status.ownedElsewhere) {
    extra.push({
      name: "Another process is at work",
      value: `${plain(status.ownedElsewhere)} looks after this server at the moment. What is shown here is as it stored it last; Pause reaches it within seconds.`,
    });
  }
  if (status.adminChannelProblem) {
    const { adminChannelProblem: found } = status;
    const problem =
      found.kind === "error"
        ? found.message
        : "No channel for reports has been chosen yet: the option report-to of start does that.";
    extra.push({
      name: "Reports do not arrive",
      value: `${plain(problem)} The backfill itself is not affected.`,
    });
  }
  if (status.hostProblems && status.hostProblems.length > 0) {
    const value = fitLines(hostProblemText(status.hostProblems).split("\n"), 1_024);
    extra.unshift({ name: "Something for whoever runs this bot", value });
  }
  const fields = [...extra, ...(embed.fields ?? [])];
  const buttons = status.run ? runButtons(status.run) : [];
  if (!status.run || status.otherModel) buttons.push(button("Analyze", customId("backfill", "analyze"), "primary"));
  return card({ ...embed, fields, buttons });
}

function noRunEmbed(status: BackfillStatus): APIEmbed {
  const fields =
    status.alerts.length > 0 ? [alertsField(status), healthField(status.health)] : [healthField(status.health)];
  return {
    title: "No backfill yet",
    color: colors.quiet,
    description:
      "New messages become searchable as they are written. A backfill does the same for everything older; analyze first to see how much that is.",
    fields,
    timestamp: new Date(status.at).toISOString(),
  };
}

function newMessages({ livePending: pending, gaps }: BackfillStatus): string {
  if (pending === undefined)
    return "What is stored cannot be read at the moment. New messages are kept, and made searchable when it can.";
  const missing = gaps === undefined ? undefined : gap(gaps);
  if (pending > 0)
    return joinLines(`${count(pending, "message")} wait to become searchable; they are stored safely.`, missing);
  return missing ?? "All of them are searchable.";
}

/** Of what was written while the bot was not there to hear it. */
function gap({ isKnown, channels }: Gaps): string | undefined {
  if (channels > 0) {
    const still = `${count(channels, "channel or thread", "channels and threads")} still ${channels === 1 ? "has" : "have"} a gap`;
    return `${still}: what was written there while I could not listen is being fetched from Discord, and nothing of it is lost.`;
  }
  return isKnown ? undefined : "I am asking Discord what was written while I could not listen; it is fetched then.";
}

function rechecking({ channels, channelsDone, messages, changed, removed }: Rechecking): string {
  const compared = `${count(messages, "message")} compared with Discord so far, ${count(channelsDone)} of ${count(channels, "channel")} done`;
  const found = changed + removed === 0 ? "" : `: ${count(changed)} edited, ${count(removed)} deleted`;
  return `${compared}${found}.`;
}
