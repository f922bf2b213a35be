// What reading an exported history gives, whatever its format.

import type { ChannelInfo } from "../ports/archive.ts";
import type { ArchivedRecord } from "../ports/records.ts";

/** A message with everything that is needed to store it, or to play it. */
export interface ExportedMessage {
  readonly record: ArchivedRecord;
  /** Where it was written; with the channel above it, if that is a thread. */
  readonly channel: ChannelInfo;
  readonly parent?: ChannelInfo;
}

export type ExportEntry =
  /** The line of the file, or, in a DiscordChatExporter file, which message it is; from 1. */
  { readonly line: number } & (
    | ExportedMessage
    /** A line that cannot be used, and why. */
    | { readonly problem: string }
    /** A good line that is no member's message, and what it is. */
    | { readonly leftOut: string }
  );

/** Text as it comes from the file, in pieces that end anywhere. */
export type TextPieces = AsyncIterable<string>;
