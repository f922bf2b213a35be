// Where the records of an analysis are: by channel, and by month. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { Analysis } from "../backfill/plan.ts";
import { colors, fitLines } from "./message.ts";
import { count, percent } from "./words.ts";

const channelsShown = 10;
const monthsShown = 18;

export function distribution(analysis: Analysis): APIEmbed {
  const fields: APIEmbedField[] = [];
  if (analysis.channels.length > 0) {
    const shown = analysis.channels
      .slice(0, channelsShown)
      .map(
        ({ channelId, records, embedded, skipped }) =>
          `<#${channelId}>: ${count(records)}, ${percent(embedded, records - skipped)} searchable`,
      );
    const rest = analysis.channels.slice(channelsShown);
    if (rest.length > 0) {
      const records = rest.reduce((sum, channel) => sum + channel.records, 0);
      shown.push(`and ${count(rest.length, "more channel", "more channels")} with ${count(records, "record")}`);
    }
    fields.push({ name: "By channel", value: fitLines(shown, 1_024, (left) => `and ${count(left)} more`) });
  }
  if (analysis.months.length > 0) fields.push({ name: "By month (UTC)", value: monthBars(analysis) });
  return { color: colors.neutral, fields };
}

/** The months as bars of text: █ searchable, ░ not yet. The one place to replace by a chart image. */
function monthBars({ months }: Analysis): string {
  const shown = months.slice(-monthsShown);
  const most = Math.max(...shown.map(({ records }) => records), 1);
  const width = 16;
  const lines = shown.map(({ month, records, embedded, skipped }) => {
    const length = Math.max(records > 0 ? 1 : 0, Math.round((records / most) * width));
    const full =
      records - skipped <= 0 ? length : Math.floor((Math.min(embedded, records) / (records - skipped)) * length);
    const blocks = "█".repeat(Math.min(full, length)) + "░".repeat(Math.max(0, length - full));
    return `${month} ${blocks.padEnd(width)} ${count(records)}`;
  });
  const earlier = months.slice(0, -monthsShown);
  if (earlier.length > 0) {
    const records = earlier.reduce((sum, month) => sum + month.records, 0);
    lines.unshift(`${count(earlier.length, "earlier month", "earlier months")}: ${count(records)}`);
  }
  return `\`\`\`\n${fitLines(lines, 1_000, (left) => `and ${count(left)} more`)}\n\`\`\``;
}
