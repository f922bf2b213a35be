// A message among those before and after it, with a way to go on; a note in full. Pure.

import type { APIEmbedField } from "discord-api-types/v10";
import type { ArchivedRecord } from "../ports/records.ts";
import { type Snowflake, snowflakeTime } from "../snowflake.ts";
import { button, card, colors, customId, type View } from "./message.ts";
import { type BlockOptions, recordBlocks } from "./record-text.ts";
import { by, wayThere } from "./search-results.ts";
import { ago, moment } from "./words.ts";

/** Messages shown on each side. */
export const shownBeside = 5;

/** Ten of these and the message itself fit into what Discord takes. */
const NEIGHBOUR_ROOM = 250;
const ROOM = 800;
const NEIGHBOUR_LINES = 12;
const LINES = 40;

export interface Surroundings {
  readonly record: ArchivedRecord;
  /** Both in the order they were written. */
  readonly before: readonly ArchivedRecord[];
  readonly after: readonly ArchivedRecord[];
  /** The message that all this was opened for; it may be out of sight by now. */
  readonly soughtId: Snowflake;
}

export function surroundingsView({ record, before, after, soughtId }: Surroundings, guildId: Snowflake): View {
  const isNote = record.kind === "note";
  const isBeginning = before.length < shownBeside;
  const isEnd = after.length < shownBeside;
  const isAlone = before.length + after.length === 0;
  const [first, last] = [before[0] ?? record, after.at(-1) ?? record];
  const ends = [
    ...(isBeginning ? [`Nothing before ${before.length > 0 ? "these" : "it"}`] : []),
    ...(isEnd ? [`nothing after ${after.length > 0 ? "these" : "it"}`] : []),
  ].join(", ");
  const goOn = (label: string, id: Snowflake, isDone: boolean) =>
    button(label, customId("search", "around", id, soughtId), "secondary", isDone);
  return card({
    color: colors.neutral,
    description: `<#${record.channelId}> · ${moment(snowflakeTime(record.id))}`,
    fields: [...before, record, ...after].map((each) => {
      const sign = each.id === soughtId && !isNote ? "▶ " : "";
      const size = each === record ? { room: ROOM, lines: LINES } : { room: NEIGHBOUR_ROOM, lines: NEIGHBOUR_LINES };
      return field(each, sign, size, guildId);
    }),
    ...(!isNote &&
      ends !== "" && { footer: { text: `${ends.charAt(0).toUpperCase()}${ends.slice(1)} that is stored.` } }),
    buttons: [
      // Of one that is alone, both would carry the same id, which Discord refuses.
      ...(isNote || isAlone ? [] : [goOn("Earlier", first.id, isBeginning), goOn("Later", last.id, isEnd)]),
      button("Find similar", customId("search", "similar", soughtId)),
    ],
  });
}

function field(record: ArchivedRecord, sign: string, size: BlockOptions, guildId: Snowflake): APIEmbedField {
  const text = recordBlocks(record, size) || "*(no text)*";
  return {
    name: `${sign}${by(record)}`,
    value: [ago(snowflakeTime(record.id)), text, ...wayThere(record, guildId)].join("\n"),
  };
}
