// A message between the one before and the one after it; a note in full. Pure.

import type { APIEmbedField } from "discord-api-types/v10";
import type { ArchivedRecord } from "../ports/records.ts";
import { type Snowflake, snowflakeTime } from "../snowflake.ts";
import { button, colors, customId, message, type View } from "./message.ts";
import { recordMarkdown } from "./record-text.ts";
import { by, wayThere } from "./search-results.ts";
import { ago, moment } from "./words.ts";

const NEIGHBOUR_ROOM = 500;
/** A field holds 1,024 characters. */
const ROOM = 850;

export interface Surroundings {
  readonly record: ArchivedRecord;
  readonly before: ArchivedRecord | undefined;
  readonly after: ArchivedRecord | undefined;
}

export function surroundingsView({ record, before, after }: Surroundings, guildId: Snowflake): View {
  const isNote = record.kind === "note";
  const alone = isNote ? [] : [...(before ? [] : ["Nothing before it"]), ...(after ? [] : ["nothing after it"])];
  return message({
    embeds: [
      {
        color: colors.neutral,
        description: `<#${record.channelId}> · ${moment(snowflakeTime(record.id))}`,
        fields: [
          ...(before ? [field(before, "", NEIGHBOUR_ROOM, guildId)] : []),
          field(record, isNote ? "" : "▶ ", ROOM, guildId),
          ...(after ? [field(after, "", NEIGHBOUR_ROOM, guildId)] : []),
        ],
        ...(alone.length > 0 && { footer: { text: `${alone.join(", ")} that is stored.` } }),
      },
    ],
    buttons: [button("Find similar", customId("search", "similar", record.id))],
  });
}

function field(record: ArchivedRecord, sign: string, room: number, guildId: Snowflake): APIEmbedField {
  const text = recordMarkdown(record, { room }) || "*(no text)*";
  return {
    name: `${sign}${by(record)}`,
    value: [ago(snowflakeTime(record.id)), text, ...wayThere(record, guildId)].join("\n"),
  };
}
