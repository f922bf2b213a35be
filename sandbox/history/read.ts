// The demo's own community history, made from the texts beside this file: parsed, placed in time so that it ends "today", and
// given real snowflakes. Deterministic for the same options.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Snowflake, snowflakeAt } from "../../src/snowflake.ts";
import { channels, guild, members, roles, withMentions } from "./cast.ts";
import { parseConversations } from "./parse.ts";
import type { WrittenHistory, WrittenMessage, WrittenNote, WrittenQuery, WrittenThread } from "./shapes.ts";
import { smallTalk } from "./small-talk.ts";
import { createTimeline, type Draft, type Random, seededRandom, type ThreadDraft, type Timeline } from "./timeline.ts";

export type * from "./shapes.ts";

/** How many messages the generated small talk adds to the hand-written conversations. */
const SMALL_TALK_MESSAGES = 1_900;
/** Private threads share the millisecond of the message before them; messages stay below this in the id's lower bits. */
const PRIVATE_THREAD_BITS = 4_000n;

/**
 * @param options.endsAt milliseconds since 1970 of the newest message, or shortly after; the oldest is about 180 days before
 * @param options.seed other seeds give other pauses and other small talk
 */
export function writtenHistory(options: { endsAt: number; seed?: number }): WrittenHistory {
  const random = seededRandom(options.seed ?? 1);
  const timeline = createTimeline(options.endsAt, random);
  const drafts = [
    ...channels.flatMap(({ name }) => {
      const file = `channels/${name}.txt`;
      return timeline.spread(name, parseConversations(textOf(file), file));
    }),
    ...chatter(timeline, random),
  ].sort((a, b) => a.at - b.at);

  const ids = idsOf(drafts);
  const threads = threadsOf(drafts, ids);
  const threadIds = new Map(threads.map(([draft, thread]) => [draft, thread.id]));
  const messages = drafts.map((draft) => messageOf(draft, ids, threadIds));
  return {
    guild,
    roles,
    members,
    channels,
    threads: threads.map(([, thread]) => thread),
    messages,
    notes: notesOf(textOf("notes.txt"), timeline),
    queries: queriesOf(textOf("queries.txt"), drafts, ids),
  };
}

function textOf(file: string): string {
  return readFileSync(join(import.meta.dirname, file), "utf8");
}

function chatter(timeline: Timeline, random: Random): Draft[] {
  const speakers = members.filter((member) => !member.bot).map((member) => member.name);
  const drafts: Draft[] = [];
  for (const { channel, conversation } of smallTalk(textOf("small-talk.txt"), speakers, random)) {
    drafts.push(...timeline.scatter(channel, conversation));
    if (drafts.length >= SMALL_TALK_MESSAGES) break;
  }
  return drafts;
}

/** Ids that keep the order of the drafts, which are sorted by time. */
function idsOf(drafts: readonly Draft[]): Map<Draft, Snowflake> {
  const ids = new Map<Draft, Snowflake>();
  let [lastAt, sameMoment] = [0, 0];
  for (const draft of drafts) {
    sameMoment = draft.at === lastAt ? sameMoment + 1 : 0;
    lastAt = draft.at;
    ids.set(draft, (BigInt(snowflakeAt(draft.at)) + BigInt(sameMoment)).toString());
  }
  return ids;
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the written history names ${what}, which does not exist`);
  return value;
}

const memberIds = new Map(members.map((member) => [member.name, member.id]));
const channelIds = new Map(channels.map((channel) => [channel.name, channel.id]));
const memberId = (name: string): Snowflake => found(memberIds.get(name), `the member "${name}"`);
const channelId = (name: string): Snowflake => found(channelIds.get(name), `the channel "${name}"`);

function threadsOf(drafts: readonly Draft[], ids: ReadonlyMap<Draft, Snowflake>): [ThreadDraft, WrittenThread][] {
  const writers = new Map<ThreadDraft, Set<Snowflake>>();
  for (const { thread, line } of drafts) {
    if (!thread) continue;
    const present = writers.get(thread) ?? new Set(thread.invited?.map(memberId));
    writers.set(thread, present.add(memberId(line.speaker)));
  }
  return [...writers].map(([draft, present]) => {
    const afterId = found(ids.get(draft.after), "a message");
    return [
      draft,
      {
        id: draft.invited ? (BigInt(afterId) + PRIVATE_THREAD_BITS).toString() : afterId,
        name: draft.name,
        parentId: channelId(draft.channel),
        ...(draft.invited && { private: true as const }),
        members: [...present],
      },
    ];
  });
}

function messageOf(
  draft: Draft,
  ids: ReadonlyMap<Draft, Snowflake>,
  threadIds: ReadonlyMap<ThreadDraft, Snowflake>,
): WrittenMessage {
  const { line, at, replyTo, thread } = draft;
  return {
    id: found(ids.get(draft), "a message"),
    channelId: thread ? found(threadIds.get(thread), `the thread "${thread.name}"`) : channelId(draft.channel),
    authorId: memberId(line.speaker),
    content: withMentions(line.content),
    timestamp: at,
    ...(line.editedAfterMs && { editedAt: at + line.editedAfterMs }),
    ...(replyTo && { replyToId: found(ids.get(replyTo), "a message") }),
    ...(line.attachments.length > 0 && { attachments: line.attachments }),
    ...(line.embeds.length > 0 && { embeds: line.embeds }),
    ...(line.poll && { poll: line.poll }),
    ...(line.forwarded && { forwarded: line.forwarded }),
  };
}

function notesOf(text: string, timeline: Timeline): WrittenNote[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line, index) => {
    const [, owner, channel, visibility, note] = found(
      /^(\w+) #([\w-]+) (private|channel): (.+)$/.exec(line) ?? undefined,
      `a note "${line}"`,
    );
    return {
      ownerId: memberId(owner ?? ""),
      channelId: channelId(channel ?? ""),
      text: note ?? "",
      visibility: visibility === "channel" ? "channel" : "private",
      at: timeline.momentAt((index + 0.5) / lines.length),
    };
  });
}

function queriesOf(text: string, drafts: readonly Draft[], ids: ReadonlyMap<Draft, Snowflake>): WrittenQuery[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [label = "", demo, query = "", expects = ""] = line.split(" | ");
      const answers = drafts.filter((draft) => draft.line.queries.includes(label));
      return {
        text: query,
        expects,
        relevantIds: answers.map((draft) => found(ids.get(draft), "a message")),
        ...(demo === "demo" && { demo: true as const }),
      };
    });
}
