// What the admin channel is told a week before what the bot can no longer read is deleted. Pure.

import type { Expiring } from "../sync/expiry.ts";
import { card, colors, fitLines, type View } from "./message.ts";
import { ago, moment } from "./words.ts";

export function expiringView({ channelIds, at }: Expiring): View {
  const list = fitLines(
    channelIds.map((id) => `• <#${id}>`),
    2_000,
  );
  return card({
    title: "⏳ Stored messages will be deleted",
    color: colors.warning,
    description: [
      `The bot can no longer read ${channelIds.length === 1 ? "this channel" : "these channels"}, so nobody finds anything in ${channelIds.length === 1 ? "it" : "them"}:`,
      list,
      `What is stored of ${channelIds.length === 1 ? "it" : "them"} is deleted ${ago(at)} (${moment(at)}).`,
      "➜ To keep it, let the bot read there again: View Channel and Read Message History; for a private thread, add it to the thread.",
    ].join("\n"),
  });
}
