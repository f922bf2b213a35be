import { MessageFlags, PermissionFlagsBits } from "discord-api-types/v10";
import { describe, expect, it } from "vitest";
import { contentHash } from "../../src/content-hash.ts";
import { buttonId, read, startCommands } from "./support.ts";

async function startNotes() {
  /** Channels and private threads that everybody can read. */
  const readable = new Set<string>();
  const parts = await startCommands({
    context: {
      access: {
        filterFor: async (_guildId, { userId }) => ({
          accessChannelIds: [...readable],
          viewerId: userId,
          uncheckedThreads: 0,
          ageRestrictedChannels: 0,
        }),
        filterForSharing: async () => ({ accessChannelIds: [] }),
      },
    },
  });
  const { discord } = parts;
  const { world } = discord;
  const note = (userId: string, channelId: string, subcommand: string, options: Record<string, string | number> = {}) =>
    world.runCommand({ userId, channelId, name: "note", subcommand, options });
  return { ...parts, note, readable };
}

describe("/note", () => {
  it("add stores a note under the interaction's id, private unless asked, and says who can find it", async () => {
    const { discord, archive, changed, note } = await startNotes();
    const { guild, ada, general } = discord;
    const asked = note(ada.id, general.id, "add", { text: "  the spare key is under the mat **!**  " });
    const reply = await asked.response();
    expect((reply.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
    expect(read(reply)).toContain("Only you can find it");
    expect(read(reply)).toContain("under the mat \\*\\*!\\*\\*");
    const { id } = asked.interaction;
    const stored = (await archive.get(guild.id, "note", [id])).get(id);
    expect(stored?.record).toMatchObject({
      kind: "note",
      id,
      channelId: general.id,
      accessChannelId: general.id,
      authorId: ada.id,
      authorName: "Ada",
      content: "the spare key is under the mat **!**",
      visibility: "private",
    });
    expect(stored?.contentHash).toBe(stored && contentHash(stored.record));
    expect((await archive.pending(guild.id, 10)).map((entry) => entry.id)).toEqual([id]);
    expect(changed).toEqual([guild.id]);
  });

  it("add in a thread is governed by the parent when public, by the thread itself when private", async () => {
    const { discord, archive, note } = await startNotes();
    const { guild, ada, general, publicThread, privateThread } = discord;
    const ids: string[] = [];
    for (const thread of [publicThread, privateThread]) {
      const asked = note(ada.id, thread.id, "add", { text: "a thought", visibility: "channel" });
      expect(read(await asked.response())).toContain(`Whoever can read <#${thread.id}>`);
      ids.push(asked.interaction.id);
    }
    const records = await archive.get(guild.id, "note", ids);
    expect(ids.map((id) => records.get(id)?.record.accessChannelId)).toEqual([general.id, privateThread.id]);
    expect((await archive.channels(guild.id)).map(({ id, type }) => `${id} ${type}`)).toEqual(
      expect.arrayContaining([`${publicThread.id} public-thread`, `${privateThread.id} private-thread`]),
    );
  });

  it.each([" ", "\u200B\u200D\uFEFF", "\u3164"])("add refuses a note that shows nothing (%j)", async (text) => {
    const { discord, archive, changed, note } = await startNotes();
    const reply = await note(discord.ada.id, discord.general.id, "add", { text }).response();
    expect(read(reply)).toContain("A note needs some text");
    expect(await archive.notesOf(discord.guild.id, discord.ada.id, 10)).toEqual([]);
    expect(changed).toEqual([]);
  });

  it("list shows one's own notes only, newest first, and turns pages", async () => {
    const { discord, archive, note } = await startNotes();
    const { world, guild, ada, ben, general } = discord;
    expect(read(await note(ada.id, general.id, "list").response())).toContain("You have no notes here yet");
    const shared = { kind: "note", channelId: general.id, accessChannelId: general.id, visibility: "private" } as const;
    const notes = Array.from({ length: 20 }, (_, at) => ({
      ...shared,
      id: world.state.idAt(Date.now() - 100_000 + at * 1_000),
      authorId: at === 0 ? ben.id : ada.id,
      authorName: "x",
      content: `thought ${at}.`,
    }));
    await archive.save(guild.id, notes, { pending: true });
    const asked = note(ada.id, general.id, "list");
    const first = await asked.response();
    expect(read(first)).toMatch(/thought 19\..*thought 12\./s);
    expect(read(first)).toContain("19 notes · page 1 of 3");
    const turned = world.pressButton({ userId: ada.id, messageId: first.id, customId: buttonId(first, "Older") });
    await turned.until((reply) => reply && read(reply).includes("page 2 of 3") && read(reply).includes("thought 11."));
    const last = await note(ada.id, general.id, "list", { page: 99 }).response();
    expect(read(last)).toContain("page 3 of 3");
    expect(read(last)).not.toContain("thought 0.");
  });

  it("remove offers one's own notes while typing and takes the chosen one away", async () => {
    const { discord, archive, changed, note } = await startNotes();
    const { world, guild, ada, ben, general } = discord;
    const key = note(ada.id, general.id, "add", { text: "where the key is" });
    await key.response();
    await note(ada.id, general.id, "add", { text: "birthday list" }).response();
    await note(ben.id, general.id, "add", { text: "ben's key" }).response();
    const typing = { userId: ada.id, channelId: general.id, name: "note", subcommand: "remove", focused: "note" };
    const choices = await world.autocomplete({ ...typing, options: { note: "KEY" } }).choices();
    expect(choices.map(({ value }) => value)).toEqual([key.interaction.id]);
    changed.length = 0;
    const removed = await note(ada.id, general.id, "remove", { note: key.interaction.id }).response();
    expect(read(removed)).toContain("The note is removed");
    expect(await archive.get(guild.id, "note", [key.interaction.id])).toEqual(new Map());
    expect(changed).toEqual([guild.id]);
    const again = await note(ada.id, general.id, "remove", { note: key.interaction.id }).response();
    expect(read(again)).toContain("There is no such note");
    expect(read(await note(ada.id, general.id, "remove", { note: "the key" }).response())).toContain("Choose a note");
  });

  it("remove is refused for others, except for channel notes by moderators of that channel", async () => {
    const { discord, archive, note, readable } = await startNotes();
    const { world, guild, admin, ada, ben, general, secret, privateThread } = discord;
    readable.add(general.id);
    const hidden = note(ada.id, general.id, "add", { text: "mine alone" });
    const open = note(ada.id, general.id, "add", { text: "for all", visibility: "channel" });
    const inSecret = note(ada.id, secret.id, "add", { text: "for insiders", visibility: "channel" });
    const inThread = note(ada.id, privateThread.id, "add", { text: "for the thread", visibility: "channel" });
    for (const asked of [hidden, open, inSecret, inThread]) await asked.response();
    const remove = async (userId: string, id: string) =>
      read(await note(userId, general.id, "remove", { note: id }).response());
    expect(await remove(ben.id, open.interaction.id)).toContain("not yours");
    expect(await remove(admin.id, hidden.interaction.id)).toContain("not yours");
    const moderator = world.addRole(guild.id, { name: "mod", permissions: PermissionFlagsBits.ManageMessages });
    world.updateMember(guild.id, ben.id, { roleIds: [moderator.id] });
    expect(await remove(ben.id, inSecret.interaction.id)).toContain("not yours");
    // They moderate the thread's parent, and are not in the thread: its notes are none of their business.
    expect(await remove(ben.id, inThread.interaction.id)).toBe(await remove(ben.id, "5"));
    expect(await remove(ben.id, open.interaction.id)).toContain("The note is removed");
    expect((await archive.notesOf(guild.id, ada.id, 10)).map(({ record }) => record.content)).toEqual([
      "for the thread",
      "for insiders",
      "mine alone",
    ]);
  });
});

describe("Save as note", () => {
  it("keeps a message's text with a way back to it, privately, and can be undone", async () => {
    const { discord, archive } = await startNotes();
    const { world, guild, ada, ben, general } = discord;
    const message = world.postMessage({
      channelId: general.id,
      authorId: ben.id,
      content: "try turning it off and on",
    });
    const asked = world.runMessageCommand({ userId: ada.id, messageId: message.id, name: "Save as note" });
    const reply = await asked.response();
    expect(read(reply)).toContain("try turning it off and on");
    expect(read(reply)).toContain(`https://discord.com/channels/${guild.id}/${general.id}/${message.id}`);
    const [stored] = await archive.notesOf(guild.id, ada.id, 10);
    expect(stored?.record).toMatchObject({
      content: "try turning it off and on",
      visibility: "private",
      authorId: ada.id,
      sourceMessageId: message.id,
    });
    const undo = world.pressButton({
      userId: ada.id,
      messageId: reply.id,
      customId: buttonId(reply, "Remove it again"),
    });
    await undo.until((changed) => changed && read(changed).includes("The note is removed"));
    expect(await archive.notesOf(guild.id, ada.id, 10)).toEqual([]);
  });

  it("keeps everything the archive knows of the message", async () => {
    const { discord, archive } = await startNotes();
    const { world, guild, ada, ben, general } = discord;
    const message = world.postMessage({ channelId: general.id, authorId: ben.id, content: "look" });
    const record = { kind: "message", id: message.id, channelId: general.id, accessChannelId: general.id } as const;
    const carried = { content: "", poll: "Tea or coffee?", attachments: [{ name: "menu.png", alt: "a menu" }] };
    await archive.save(guild.id, [{ ...record, authorId: ben.id, authorName: "Ben", ...carried }], { pending: false });
    const asked = world.runMessageCommand({ userId: ada.id, messageId: message.id, name: "Save as note" });
    expect(read(await asked.response())).toContain("Tea or coffee? · menu.png: a menu");
    expect((await archive.notesOf(guild.id, ada.id, 1))[0]?.record).toMatchObject(carried);
  });
});
