// A Discord of two or three channels without sockets, for readers of history: its answers are as of the moment they are made, and
// arrive later; what happens is heard in order, and later still if a test says so. Delays are turns of the event loop, from a list.

import { TransientError, UserError } from "../../src/errors.ts";
import type { ChannelInfo } from "../../src/ports/archive.ts";
import type { GuildEvents, Hearing, History, HistoryChannel } from "../../src/ports/discord.ts";
import type { ArchivedRecord } from "../../src/ports/records.ts";
import { compareSnowflakes, type Snowflake } from "../../src/snowflake.ts";
import { channel, GUILD } from "./engine.ts";

export interface ScriptedDiscord {
  readonly history: History;
  /** One entry per request for messages: the channel. */
  readonly requests: Snowflake[];
  /** Set these to change what it answers. */
  readonly mood: { down: boolean; unreadable: ReadonlySet<Snowflake>; hidesContent: boolean; tellsLast: boolean };
  channels(): readonly ChannelInfo[];
  /** What is on its way to a listener that is dead never arrives. */
  deaf(): void;
  /** Makes a channel, or a thread. */
  make(channel: ChannelInfo): void;
  post(record: ArchivedRecord): void;
  /** Puts history there that nobody hears of. */
  load(records: readonly ArchivedRecord[]): void;
  edit(id: Snowflake, content: string): void;
  remove(ids: readonly Snowflake[]): void;
  /** From now on what happens is heard; until then it is missed. @returns how to stop hearing */
  listen(events: GuildEvents, hearing?: Hearing): () => void;
  /** Resolves when all that happened has been heard. */
  heard(): Promise<void>;
  /** Of all messages, oldest first: id and content. */
  contents(): [Snowflake, string][];
}

/** @param delays how many turns of the event loop each answer and each event takes, again and again */
export function scriptedDiscord(channelIds: readonly Snowflake[], delays: readonly number[] = [0]): ScriptedDiscord {
  const messages = new Map<Snowflake, ArchivedRecord>();
  const mood: ScriptedDiscord["mood"] = { down: false, unreadable: new Set(), hidesContent: false, tellsLast: false };
  const channels = channelIds.map((id) => channel(id));
  const last = new Map<Snowflake, Snowflake>();
  const requests: Snowflake[] = [];
  let events: GuildEvents | undefined;
  let hearing: Hearing | undefined;
  let chain = Promise.resolve();
  let drawn = 0;
  let edits = 0;

  async function delay(): Promise<void> {
    const turns = delays[drawn++ % delays.length] ?? 0;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  function tell(report: (events: GuildEvents) => Promise<void>) {
    const listener = events;
    if (listener === undefined) return;
    chain = chain.then(delay).then(() => report(listener));
  }

  const newestFirst = (channelId: Snowflake) =>
    [...messages.values()]
      .filter((each) => each.channelId === channelId)
      .sort((a, b) => compareSnowflakes(b.id, a.id))
      .map((each) => (mood.hidesContent ? { ...each, content: "" } : each));

  const history: History = {
    channels: async () =>
      channels.map(
        (each): HistoryChannel => ({
          ...each,
          ...(mood.unreadable.has(each.id) && { unreadable: "no" }),
          ...(mood.tellsLast && { lastMessageId: last.get(each.id) ?? null }),
        }),
      ),
    async messages({ id }, range, signal) {
      requests.push(id);
      await delay();
      if (mood.down) throw new TransientError("Discord is down");
      if (mood.unreadable.has(id)) throw new UserError("I am not allowed to see the channel");
      const all = newestFirst(id);
      const answer =
        "before" in range
          ? all.filter((each) => compareSnowflakes(each.id, range.before) < 0).slice(0, 100)
          : all
              .filter((each) => compareSnowflakes(each.id, range.after) > 0)
              .reverse()
              .slice(0, 100);
      await delay();
      signal?.throwIfAborted();
      return answer;
    },
    canReadContent: async () => !mood.hidesContent,
  };

  const infoOf = (id: Snowflake) => channels.find((each) => each.id === id) ?? channel(id);
  const store = (record: ArchivedRecord) => {
    messages.set(record.id, record);
    if (compareSnowflakes(record.id, last.get(record.channelId) ?? "0") > 0) last.set(record.channelId, record.id);
  };
  const put = (record: ArchivedRecord) => {
    const isNew = !messages.has(record.id);
    store(record);
    const stretch = isNew ? hearing?.of(GUILD) : undefined;
    if (events !== undefined) stretch?.heard(record.id);
    const info = infoOf(record.channelId);
    tell((listener) => listener.messageSaved(GUILD, record, info, stretch?.isComplete(info) ?? false));
  };

  return {
    history,
    requests,
    mood,
    post: put,
    channels: () => channels,
    deaf() {
      chain = Promise.resolve();
    },
    make(made) {
      channels.push(made);
      // Whoever hears of it being made has missed nothing in it.
      const stretch = events && hearing?.of(GUILD);
      stretch?.completed(made.id, stretch.mark());
      tell((listener) => listener.channelSaved(GUILD, made));
    },
    load(records) {
      for (const record of records) store(record);
    },
    edit(id, content) {
      const record = messages.get(id);
      edits += 1;
      if (record !== undefined) put({ ...record, content, editedAt: Date.now() + edits });
    },
    remove(ids) {
      const present = ids.filter((id) => messages.delete(id));
      if (present.length > 0) tell((listener) => listener.messagesDeleted(GUILD, present));
    },
    listen(listener, hears) {
      events = listener;
      hearing = hears;
      return () => {
        events = undefined;
        hearing = undefined;
      };
    },
    heard: () => chain,
    contents: () =>
      [...messages.values()].sort((a, b) => compareSnowflakes(a.id, b.id)).map(({ id, content }) => [id, content]),
  };
}
