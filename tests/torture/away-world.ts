// A server in which things happen at random: threads and channels are made, written in, archived, hidden and deleted, messages
// edited and deleted. Everything by one chance, so that a seed tells a run.

import { ChannelType, PermissionFlagsBits } from "discord-api-types/v10";
import { DEFAULT_PERMISSIONS } from "../../sandbox/guilds.ts";
import type { Channel } from "../../sandbox/model.ts";
import { canReadHistory } from "../../sandbox/permissions.ts";
import type { Sandbox } from "../../sandbox/server.ts";
import type { Snowflake } from "../../src/snowflake.ts";

/** What the official limits allow is far more; so many keep a run short. */
const MOST_CHANNELS = 30;
const MOST_THREADS = 60;
/** Of what is written at once now and then: more than two pages of history. */
const FLOOD = 230;

export interface AwayWorld {
  readonly guildId: Snowflake;
  /** One thing happens. */
  happen(): void;
  /** Whatever is hidden from the bot is shown to it again. */
  reveal(): void;
  /** Of all messages that the bot may read: id and content. */
  truth(): Map<Snowflake, string>;
  /** How often each thing happened. */
  readonly happened: Readonly<Record<string, number>>;
}

export function createAwayWorld({ world }: Pick<Sandbox, "world">, random: () => number): AwayWorld {
  const { bot } = world;
  const guild = world.addGuild({
    name: "Torture",
    botPermissions:
      DEFAULT_PERMISSIONS | (random() < 0.5 ? PermissionFlagsBits.ManageThreads : PermissionFlagsBits.ViewChannel),
  });
  const authors = ["ada", "ben", "cleo"].map((username) => world.addUser({ username }));
  for (const { id: userId } of authors) world.addMember(guild.id, { userId });
  const forum = world.addChannel({ guildId: guild.id, name: "forum", type: ChannelType.GuildForum });
  for (const name of ["general", "random"]) world.addChannel({ guildId: guild.id, name });
  const happened: Record<string, number> = {};
  const hidden = new Set<Snowflake>();
  let written = 0;

  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const author = () => pick(authors)?.id ?? "";
  const channels = () => [...guild.channels.values()].filter((each) => !each.thread && each.id !== forum.id);
  const threads = () => [...guild.channels.values()].filter((each) => each.thread);
  const places = () => [...channels(), ...threads()];

  function write(channel: Channel | undefined, id?: Snowflake): void {
    if (channel === undefined) return;
    written += 1;
    world.postMessage({
      channelId: channel.id,
      authorId: author(),
      content: `word${written} in ${channel.name}`,
      ...(id !== undefined && { id }),
    });
  }

  function makeThread(): void {
    if (threads().length >= MOST_THREADS) deletePlace(pick(threads()));
    const parent = random() < 0.3 ? forum : pick(channels());
    if (parent === undefined) return;
    const isPrivate = parent !== forum && random() < 0.3;
    const thread = world.addThread({
      parentId: parent.id,
      name: `thread ${written}`,
      private: isPrivate,
      memberIds: isPrivate ? [bot.id, ...authors.map(({ id }) => id)] : [],
    });
    // A post's first message has the id of its thread.
    if (parent === forum) write(thread, thread.id);
    else if (random() < 0.4) write(thread);
  }

  function makeChannel(): void {
    if (channels().length >= MOST_CHANNELS) deletePlace(pick(channels()));
    const channel = world.addChannel({ guildId: guild.id, name: `channel-${written}` });
    if (random() < 0.4) write(channel);
  }

  function deletePlace(place: Channel | undefined): void {
    if (place === undefined || places().length < 4) return;
    hidden.delete(place.id);
    world.deleteChannel(place.id);
  }

  function show(channelId: Snowflake): void {
    hidden.delete(channelId);
    world.updateChannel(channelId, { overwrites: [] });
  }

  function hide(): void {
    const channel = pick(channels());
    if (channel === undefined || hidden.size > 3) return;
    hidden.add(channel.id);
    world.updateChannel(channel.id, { overwrites: [{ id: bot.id, deny: PermissionFlagsBits.ViewChannel }] });
  }

  function flood(): void {
    const channel = pick(places());
    for (let n = 0; n < FLOOD; n += 1) write(channel);
  }

  const anyMessage = () => pick(pick(places())?.messages.all() ?? []);

  /** Each with how likely it is. */
  const things: Readonly<Record<string, readonly [number, () => void]>> = {
    "a message": [30, () => write(pick(places()))],
    "some messages": [
      10,
      () => {
        for (let n = 0; n < 4; n += 1) write(pick(places()));
      },
    ],
    "a message in a thread": [12, () => write(pick(threads()))],
    "a flood": [0.5, flood],
    "a thread": [9, makeThread],
    "a channel": [3, makeChannel],
    "an archived thread": [
      6,
      () => {
        const thread = pick(threads());
        if (thread !== undefined) world.updateThread(thread.id, { archived: !thread.thread?.archived });
      },
    ],
    "a deleted thread": [1.5, () => deletePlace(pick(threads()))],
    "a deleted channel": [0.7, () => deletePlace(pick(channels()))],
    "an edit": [
      5,
      () => {
        const message = anyMessage();
        if (message !== undefined) world.editMessage(message.id, { content: `${message.content} edited` });
      },
    ],
    "a deleted message": [
      4,
      () => {
        const message = anyMessage();
        if (message !== undefined) world.deleteMessage(message.id);
      },
    ],
    "a hidden channel": [1.5, hide],
    "a channel shown again": [
      2,
      () => {
        const channelId = pick([...hidden]);
        if (channelId !== undefined) show(channelId);
      },
    ],
    "the bot put out of a private thread, or into one": [
      1.5,
      () => {
        const thread = pick(threads().filter(({ type }) => type === ChannelType.PrivateThread));
        if (thread?.thread?.members.has(bot.id)) world.removeThreadMember(thread.id, bot.id);
        else if (thread) world.addThreadMember(thread.id, bot.id);
      },
    ],
  };
  const total = Object.values(things).reduce((sum, [weight]) => sum + weight, 0);

  return {
    guildId: guild.id,
    happened,
    happen() {
      let left = random() * total;
      for (const [name, [weight, act]] of Object.entries(things)) {
        left -= weight;
        if (left > 0) continue;
        happened[name] = (happened[name] ?? 0) + 1;
        act();
        return;
      }
    },
    reveal() {
      for (const channelId of [...hidden]) show(channelId);
      for (const { id, type } of threads()) if (type === ChannelType.PrivateThread) world.addThreadMember(id, bot.id);
    },
    truth: () =>
      new Map(
        places()
          .filter((place) => canReadHistory(guild, place, bot.id))
          .flatMap((place) => place.messages.all())
          .filter(({ authorId, content }) => authorId !== bot.id && content !== "")
          .map(({ id, content }) => [id, content]),
      ),
  };
}
