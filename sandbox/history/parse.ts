// Reads the text format of the conversations (see FORMAT.md beside this file). Knows nothing of dates or ids.

import type { Attachment } from "../../src/ports/records.ts";
import type { WrittenEmbed, WrittenPoll } from "./shapes.ts";

const MINUTE_MS = 60_000;
const unitMs = { min: MINUTE_MS, h: 60 * MINUTE_MS, day: 1440 * MINUTE_MS, days: 1440 * MINUTE_MS } as const;
const mimeTypes: Readonly<Record<string, string>> = {
  jpg: "image/jpeg",
  png: "image/png",
  gif: "image/gif",
  mp4: "video/mp4",
  ogg: "audio/ogg",
  pdf: "application/pdf",
  txt: "text/plain",
  csv: "text/csv",
  zip: "application/zip",
};

export interface ThreadLine {
  readonly name: string;
  /** Names of whoever was invited; undefined for a public thread. */
  readonly invited: readonly string[] | undefined;
}

/** One message as written. Details are filled while its lines are read. */
export interface Line {
  readonly speaker: string;
  content: string;
  /** How many messages back, within the conversation, the one it answers is; 0 for none. */
  readonly answersBack: number;
  /** How long after the line before it; undefined for the usual pause. */
  readonly gapMs: number | undefined;
  readonly thread: ThreadLine | undefined;
  /** In a generated exchange: may be left out. */
  readonly optional: boolean;
  readonly attachments: Attachment[];
  readonly embeds: WrittenEmbed[];
  poll?: WrittenPoll;
  forwarded?: string;
  editedAfterMs?: number;
  /** Labels of the queries it answers. */
  readonly queries: string[];
}

export interface Conversation {
  /** What stands after `==`. */
  readonly header: string;
  readonly lines: Line[];
}

/** Splits a text into conversations. @throws Error naming the file and the line that does not fit the format */
export function parseConversations(text: string, fileName: string): Conversation[] {
  const conversations: Conversation[] = [];
  let lines: Line[] | undefined;
  let gapMs: number | undefined;
  let thread: ThreadLine | undefined;

  for (const [index, raw] of text.split("\n").entries()) {
    const refuse = (why: string): never => {
      throw new Error(`${fileName}:${index + 1}: ${why}: ${raw}`);
    };
    const source = raw.trimEnd();
    const last = lines?.at(-1);
    if (source === "" || source.startsWith("//")) continue;
    const gap = /^\+ (\d+) (min|h|days?)$/.exec(source);
    const place = /^-- (?:thread (.+)|private thread (.+): (.+)|end)$/.exec(source);
    const more = /^\| ?(.*)$/.exec(source);
    const detail = /^ {2}\[(\w+) ?(.*)\]$/.exec(source);
    const said = /^(\?)?(?:>(\d*) )?(\w+):(?: (.*))?$/.exec(source);
    if (source.startsWith("==")) {
      lines = [];
      thread = undefined;
      gapMs = undefined;
      conversations.push({ header: source.slice(2).trim(), lines });
    } else if (lines === undefined) {
      refuse("stands before the first ==");
    } else if (gap) {
      gapMs = Number(gap[1]) * unitMs[gap[2] as keyof typeof unitMs];
    } else if (place) {
      const name = place[1] ?? place[2];
      thread = name === undefined ? undefined : { name, invited: place[3]?.split(", ") };
    } else if (more) {
      if (last) last.content += `\n${more[1] ?? ""}`;
      else refuse("continues nothing");
    } else if (detail) {
      if (!last || !addDetail(last, detail[1] ?? "", detail[2] ?? "")) refuse("is no detail of a message");
    } else if (said) {
      lines.push({
        speaker: said[3] ?? "",
        content: said[4] ?? "",
        answersBack: said[2] === undefined ? 0 : Number(said[2] || 1),
        gapMs,
        thread,
        optional: said[1] !== undefined,
        attachments: [],
        embeds: [],
        queries: [],
      });
      gapMs = undefined;
    } else {
      refuse("is not understood");
    }
  }
  return conversations;
}

function addDetail(line: Line, kind: string, value: string): boolean {
  const parts = value.split(" | ");
  const [first = "", second] = parts;
  switch (kind) {
    case "file": {
      const contentType = mimeTypes[first.slice(first.lastIndexOf(".") + 1)];
      line.attachments.push({ name: first, ...(second && { alt: second }), ...(contentType && { contentType }) });
      return contentType !== undefined;
    }
    case "embed":
      line.embeds.push({ title: first, ...(second && { description: second }), ...(parts[2] && { url: parts[2] }) });
      return true;
    case "poll":
      line.poll = { question: first, answers: parts.slice(1) };
      return parts.length > 2;
    case "forward":
      line.forwarded = value;
      return value !== "";
    case "edited":
      line.editedAfterMs = Number(value) * MINUTE_MS;
      return line.editedAfterMs > 0;
    case "answers":
      line.queries.push(first);
      return first !== "";
    default:
      return false;
  }
}
