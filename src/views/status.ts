// /backfill status: the run, what waits, the lights, and whether reports arrive. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { BackfillStatus } from "../backfill/types.ts";
import type { Rereading } from "../sync/recheck.ts";
import { changeLine } from "./generation-change.ts";
import { button, colors, customId, message, type View } from "./message.ts";
import { alertsField, healthField, runButtons, runEmbed } from "./progress.ts";
import { count, plain } from "./words.ts";

export function statusView(status: BackfillStatus): View {
  const embed = status.run ? runEmbed(status, status.run) : noRunEmbed(status);
  const extra: APIEmbedField[] = [{ name: "New messages", value: livePending(status.livePending) }];
  if (status.change) {
    extra.unshift({ name: "The search index is being changed", value: changeLine(status.change) });
  } else if (status.otherModel) {
    extra.unshift({
      name: "The search model was changed",
      value:
        "The backfill below was for another one, and search does not use what it made. Analyze shows what is missing.",
    });
  }
  if (status.rereading) {
    extra.push({ name: "What changed while I was away", value: rereading(status.rereading) });
  }
  if (status.quarantined) {
    extra.push({
      name: "Set aside",
      value: `${count(status.quarantined, "message")} could not be made searchable. Show failures says why, and lets you try again.`,
    });
  }
  if (status.ownedElsewhere) {
    extra.push({
      name: "Another process is at work",
      value: `${plain(status.ownedElsewhere)} looks after this server at the moment. What is shown here is as it stored it last; Pause reaches it within seconds.`,
    });
  }
  if (status.adminChannelProblem) {
    extra.push({
      name: "Reports do not arrive",
      value: `${plain(status.adminChannelProblem)} The backfill itself is not affected.`,
    });
  }
  const fields = [...extra, ...(embed.fields ?? [])];
  const buttons = status.run ? runButtons(status.run) : [];
  if (!status.run || status.otherModel) buttons.push(button("Analyze", customId("backfill", "analyze"), "primary"));
  return message({ embeds: [{ ...embed, fields }], buttons });
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

function livePending(pending: number | undefined): string {
  if (pending === undefined)
    return "The archive cannot be asked at the moment. They are kept, and looked after when it can.";
  if (pending === 0) return "All of them are searchable.";
  return `${count(pending, "message")} wait to become searchable; they are stored safely.`;
}

function rereading({ channels, channelsDone, messages, changed, removed }: Rereading): string {
  const compared = `${count(messages, "message")} compared with Discord so far, ${count(channelsDone)} of ${count(channels, "channel")} done`;
  const found = changed + removed === 0 ? "" : `: ${count(changed)} edited, ${count(removed)} deleted`;
  return `${compared}${found}.`;
}
