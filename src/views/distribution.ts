// In which channels the messages of an analysis are. By month they are a chart: charts/months.ts. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { Analysis } from "../backfill/compare/survey.ts";
import { colors, fitLines } from "./message.ts";
import { count, percent } from "./words.ts";

const channelsShown = 10;

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
      shown.push(`and ${count(rest.length, "more channel", "more channels")} with ${count(records, "message")}`);
    }
    fields.push({ name: "By channel", value: fitLines(shown, 1_024) });
  }
  return { color: colors.neutral, fields };
}
