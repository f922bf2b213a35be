// Discord, seen from inside: history, the admin channel, events, permissions.

import type { Snowflake } from "../snowflake.ts";
import type { ChannelInfo } from "./archive.ts";
import type { ArchivedRecord } from "./records.ts";

/** A channel or thread whose history can, or cannot, be read. */
export interface HistoryChannel extends ChannelInfo {
  /** Why it cannot be read; absent when it can. */
  readonly unreadable?: string;
  /** The last message ever written there, which may be deleted by now; null: there was none. Absent: Discord does not say. */
  readonly lastMessageId?: Snowflake | null;
}

/** History that is only on Discord. Keeps Discord's rate limits. */
export interface History {
  /** Every channel and thread (active and archived) that can hold messages. */
  channels(guildId: Snowflake): Promise<HistoryChannel[]>;
  /**
   * The next messages before (newest first) or after (oldest first) an id: at least 100, at most 199, and fewer only when there is
   * nothing further, never because they may not be read. System messages and the bot's own are left out.
   * @throws TransientError, UserError; the signal's reason when it aborts
   */
  messages(
    channel: HistoryChannel,
    range: { readonly before: Snowflake } | { readonly after: Snowflake },
    signal?: AbortSignal,
  ): Promise<ArchivedRecord[]>;
  /**
   * About how many messages there are in what the bot can read, by Discord's own search; it counts system messages and the bot's own, too.
   * @returns when to ask again, while Discord makes its index; undefined when it does not say
   * @throws TransientError, UserError; the signal's reason when it aborts
   */
  count?(guildId: Snowflake, signal?: AbortSignal): Promise<number | { readonly retryAfterMs: number } | undefined>;
  /** Whether message content is readable at all (MESSAGE CONTENT intent). */
  canReadContent(): Promise<boolean>;
}

/** Where a guild's admins read. `content` is a Discord payload that a view made; the engine does not look into it. */
export interface AdminChannel<Content> {
  /** @returns the new message's id @throws UserError when the channel is missing or unwritable */
  post(channelId: Snowflake, content: Content): Promise<Snowflake>;
  /** @returns false when the message is gone or Discord no longer lets us edit it: post a fresh one */
  edit(channelId: Snowflake, messageId: Snowflake, content: Content): Promise<boolean>;
}

/** What keeps Backscroll from working as it should on the bot that it is part of; only whoever runs that bot can mend it. */
export type HostProblem =
  /** Another command of the bot has the name of one of ours, which is not there. */
  | { readonly kind: "command-taken"; readonly command: string }
  /** Something takes a command of ours off Discord again and again. */
  | { readonly kind: "command-removed"; readonly command: string }
  /** The bot does not ask Discord for something that we need to hear. */
  | { readonly kind: "intent-lacking"; readonly intent: IntentName };

export type IntentName = "Guilds" | "GuildMessages" | "MessageContent";

/** Discord's own time, as far as it has been heard. */
export interface DiscordTime {
  /** The newest id that was heard of anything: it is not in Discord's future, whatever this machine's clock says. */
  newestId(): Snowflake | undefined;
  /** How far this machine's clock is ahead of Discord's (negative: behind); undefined before anything was heard. */
  aheadMs(): number | undefined;
}

/** What happens in guilds, as far as the archive cares. Each call resolves when it is safely in the archive. */
export interface GuildEvents {
  /**
   * A message was written or edited.
   * @param completes default false; everything that was written before it in its channel is in the archive (see `Stretch.isComplete`)
   */
  messageSaved(guildId: Snowflake, record: ArchivedRecord, channel: ChannelInfo, completes?: boolean): Promise<void>;
  messagesDeleted(guildId: Snowflake, ids: readonly Snowflake[]): Promise<void>;
  /** A channel or thread appeared or was renamed. */
  channelSaved(guildId: Snowflake, channel: ChannelInfo): Promise<void>;
  /** A channel (its threads are reported one by one or found through the archive's `channels`) or a thread is gone. */
  channelDeleted(guildId: Snowflake, channelId: Snowflake): Promise<void>;
  /** The bot was removed from a guild (not an outage). */
  guildLeft(guildId: Snowflake): Promise<void>;
}

/** A moment in a stretch: taken before Discord is asked, and given back with what it answered. */
export type HearingMark = number;

/** Begins with a gateway session, or with the guild coming back into sight; all that happens in it is heard. */
export interface Stretch {
  /** The first message heard in it: whatever is older may have been missed. */
  readonly firstHeardId: Snowflake | undefined;
  heard(messageId: Snowflake): void;
  mark(): HearingMark;
  /** All that was written in it before the mark is in the archive, or it was made after it. */
  completed(channelId: Snowflake, since: HearingMark): void;
  /** From here on something is missing in it, and in its threads: not archived, or hidden from the bot. */
  lost(channelId: Snowflake): void;
  /** Whether everything before what is heard next is in the archive. */
  isComplete(channel: Pick<ChannelInfo, "id" | "parentId">): boolean;
}

/** What a process hears of guilds, and where it is without a gap. */
export interface Hearing {
  of(guildId: Snowflake): Stretch;
  /** What is heard of the guild from now on does not follow on from what was heard before. */
  interrupted(guildId: Snowflake): void;
}

/** Who looks. Roles are as of this moment, from the interaction that asks. */
export interface Viewer {
  readonly userId: Snowflake;
  readonly roleIds: readonly Snowflake[];
  /** Timed out at this moment. */
  readonly isTimedOut: boolean;
  /** Where they ask. Whoever does so in an age-restricted channel is of age: Discord has let them in. */
  readonly channelId?: Snowflake;
}

/** Who can read what on Discord at this moment: View Channel and Read Message History, and membership for private threads. */
export interface Permissions {
  /** Channels (not threads) this member can read. `ageRestricted`: so many are left out, because they do not ask in such a one. */
  readableChannels(
    guildId: Snowflake,
    viewer: Viewer,
  ): Promise<{ readonly channelIds: readonly Snowflake[]; readonly ageRestricted: number }>;
  /** Of these private threads, the ones this member can read. No answer from Discord counts as no. */
  readableThreads(guildId: Snowflake, viewer: Viewer, privateThreadIds: readonly Snowflake[]): Promise<Snowflake[]>;
  /** Channels that everyone who can read `channelId` can certainly read too: what may be shared there. Includes itself. */
  readableByReadersOf(guildId: Snowflake, channelId: Snowflake): Promise<Snowflake[]>;
}
