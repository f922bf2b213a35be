import { ChannelType } from "discord-api-types/v10";
import { expect, test } from "vitest";
import { toChannelInfo } from "../../../src/adapters/discord/channel-info.ts";

test("a public thread is governed by its parent", () => {
  for (const type of [ChannelType.PublicThread, ChannelType.AnnouncementThread]) {
    expect(toChannelInfo({ id: "2", type, name: "bread", parent_id: "1" })).toEqual({
      id: "2",
      name: "bread",
      type: "public-thread",
      parentId: "1",
      accessChannelId: "1",
    });
  }
});

test("a private thread is governed by itself", () => {
  expect(toChannelInfo({ id: "2", type: ChannelType.PrivateThread, name: "plot", parentId: "1" })).toEqual({
    id: "2",
    name: "plot",
    type: "private-thread",
    parentId: "1",
    accessChannelId: "2",
  });
});

test("a channel in a category is governed by itself and has no parent", () => {
  expect(toChannelInfo({ id: "2", type: ChannelType.GuildText, name: "general", parent_id: "9" })).toEqual({
    id: "2",
    name: "general",
    type: "text",
    categoryId: "9",
    accessChannelId: "2",
  });
});

test("media channels count as forums and stages as voice channels", () => {
  expect(toChannelInfo({ id: "2", type: ChannelType.GuildMedia, name: "art" })?.type).toBe("forum");
  expect(toChannelInfo({ id: "2", type: ChannelType.GuildStageVoice, name: "talks" })?.type).toBe("voice");
});

test("categories, directories and direct messages are nothing to the archive", () => {
  for (const type of [ChannelType.GuildCategory, ChannelType.GuildDirectory, ChannelType.DM, ChannelType.GroupDM]) {
    expect(toChannelInfo({ id: "2", type, name: "x" })).toBeUndefined();
  }
});
