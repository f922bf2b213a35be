// A member's words as files that Discord takes: as many records in each as fit, one file in memory at a time. Each is JSON by itself.

import type { Snowflake } from "../snowflake.ts";
import { type Exported, exportedRecord } from "../views/privacy.ts";
import type { CommandContext } from "./command.ts";

/** Together more than a member will ever have; then whoever runs the bot has to help. */
const MOST_FILES = 10;

export interface ExportFile {
  readonly name: string;
  readonly data: Buffer;
  readonly exported: Exported;
  readonly isLast: boolean;
}

/** @param maxBytes of one file */
export async function* exportFiles(
  privacy: Pick<CommandContext["privacy"], "records">,
  { guildId, userId, now }: { readonly guildId: Snowflake; readonly userId: Snowflake; readonly now: number },
  maxBytes: number,
): AsyncGenerator<ExportFile> {
  const head = JSON.stringify({ serverId: guildId, memberId: userId, exportedAt: new Date(now).toISOString() });
  const open = `${head.slice(0, -1)},"records":[\n`;
  const close = "\n]}\n";
  let lines: string[] = [];
  let bytes = 0;
  let files = 0;
  let counts = { messages: 0, notes: 0, left: 0 };

  function take(isLast: boolean): ExportFile {
    files += 1;
    const file: ExportFile = {
      name: `my-words-${files}.json`,
      data: Buffer.from(`${open}${lines.join(",\n")}${close}`),
      exported: counts,
      isLast,
    };
    lines = [];
    bytes = 0;
    counts = { messages: 0, notes: 0, left: 0 };
    return file;
  }

  for await (const page of privacy.records(guildId, userId)) {
    for (const { record, channelName } of page) {
      const line = JSON.stringify(exportedRecord(guildId, record, channelName));
      const size = Buffer.byteLength(line) + 2;
      const isFull = Buffer.byteLength(open) + bytes + size + close.length > maxBytes;
      if (isFull && files === MOST_FILES - 1) {
        counts.left += 1;
        continue;
      }
      if (isFull) yield take(false);
      lines.push(line);
      bytes += size;
      counts[record.kind === "note" ? "notes" : "messages"] += 1;
    }
  }
  yield take(true);
}
