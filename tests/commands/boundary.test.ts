import { Events, Routes } from "discord.js";
import { MessageFlags } from "discord-api-types/v10";
import { describe, expect, it, vi } from "vitest";
import { createCommands } from "../../src/commands/index.ts";
import { toReply } from "../../src/commands/reply.ts";
import { UserError } from "../../src/errors.ts";
import { progressView } from "../../src/views/progress.ts";
import { exampleStatus } from "../views/examples.ts";
import { buttonId, read, startCommands } from "./support.ts";

const status = { name: "backfill", subcommand: "status" };

describe("the error boundary", () => {
  it("shows a UserError's text and nothing else", async () => {
    const failing = async () => {
      throw new UserError("The disk is full. Nothing was lost.");
    };
    const { discord, logged } = await startCommands({ backfill: { status: failing } });
    const { world, admin, general } = discord;
    const reply = await world.runCommand({ ...status, userId: admin.id, channelId: general.id }).response();
    expect(read(reply)).toBe("⚠️ The disk is full. Nothing was lost.");
    expect(logged.filter(({ event }) => event.startsWith("interaction:"))).toEqual([]);
  });

  it("apologizes for anything else with an id that is in the log, and keeps the details there", async () => {
    const failing = async () => {
      throw new TypeError("cannot read x of undefined");
    };
    const { discord, logged } = await startCommands({
      backfill: { status: failing },
      options: { newId: () => "e1d2c3b4" },
    });
    const { world, admin, general } = discord;
    const reply = await world.runCommand({ ...status, userId: admin.id, channelId: general.id }).response();
    expect(read(reply)).toContain("`e1d2c3b4`");
    expect(read(reply)).not.toContain("undefined");
    const [entry] = logged.filter(({ event }) => event === "interaction:failed");
    expect(entry?.fields).toMatchObject({ errorId: "e1d2c3b4", interaction: "/backfill", userId: admin.id });
    expect(JSON.stringify(entry?.fields)).toContain("cannot read x of undefined");
  });

  it("replaces a half-done progress display by the apology", async () => {
    const { discord } = await startCommands({
      backfill: {
        async analyze(_guildId, onProgress) {
          onProgress?.(5);
          throw new Error("broken");
        },
      },
    });
    const { world, admin, general } = discord;
    const asked = world.runCommand({
      name: "backfill",
      subcommand: "analyze",
      userId: admin.id,
      channelId: general.id,
    });
    const reply = await asked.until((message) => message && read(message).includes("Sorry") && message);
    expect(reply.embeds).toEqual([]);
  });

  it("tells whoever presses a button that it does not know, also one named like what every object has, that it is too old", async () => {
    const { discord, logged } = await startCommands({ backfill: { status: async () => exampleStatus() } });
    const { world, admin, general } = discord;
    const page = await world.runCommand({ ...status, userId: admin.id, channelId: general.id }).response();
    const inherited = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];
    const actions = ["search", "note", "backfill"].flatMap((name) => inherited.map((action) => `${name}:${action}:1`));
    for (const id of [...actions, ...inherited.map((name) => `${name}:page:1`), "search", "", "note:list\u0000:1"]) {
      const customId = `backscroll:${id}`;
      world.getMessage(page.id).components = [
        { type: 1, id: 1, components: [{ type: 2, id: 2, style: 1, label: "forged", custom_id: customId }] },
      ];
      const pressed = world.pressButton({ userId: admin.id, messageId: page.id, customId });
      const told = await pressed.until((reply, [followup]) => followup ?? (reply && read(reply) !== "" && reply));
      expect(read(told)).toContain("too old");
    }
    expect(logged.filter(({ event }) => event === "interaction:failed")).toEqual([]);
  });

  it("answers a failed click beside the message it is on, which stays as it is", async () => {
    const { discord } = await startCommands({
      backfill: {
        status: async () => exampleStatus(),
        start: async () => ({
          outcome: "plan-differs",
          status: exampleStatus(),
          differences: [{ option: "pace", asked: ["full"], planned: ["auto"] }],
        }),
      },
    });
    const { world, admin, general } = discord;
    const asked = world.runCommand({ name: "backfill", subcommand: "start", userId: admin.id, channelId: general.id });
    const question = await asked.until((reply) => reply && read(reply).includes("another plan") && reply);
    world.deleteChannel(discord.adminChannel.id);
    const customId = buttonId(question, "Change to the new plan");
    world.getMessage(question.id).components = JSON.parse(
      JSON.stringify(question.components).replaceAll(general.id, "1343714078748708976"),
    );
    const pressed = world.pressButton({
      userId: admin.id,
      messageId: question.id,
      customId: customId.replace(general.id, "1343714078748708976"),
    });
    const complaint = await pressed.followup();
    expect(read(complaint)).toContain("Reports cannot go to");
    expect((complaint.flags ?? 0) & MessageFlags.Ephemeral).toBeTruthy();
    expect(read(world.render(world.getMessage(question.id)))).toContain("another plan");
  });

  it("survives an interaction whose token died meanwhile", async () => {
    const waiting: (() => void)[] = [];
    const { discord, logged } = await startCommands({
      backfill: { status: () => new Promise((resolve) => waiting.push(() => resolve(exampleStatus()))) },
    });
    const { world, admin, general, clock } = discord;
    const ask = () => world.runCommand({ ...status, userId: admin.id, channelId: general.id });
    ask();
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    clock.advance(16 * 60_000);
    waiting[0]?.();
    await vi.waitFor(() => expect(logged.map(({ event }) => event)).toContain("interaction:unanswerable"));
    expect(logged.map(({ event }) => event)).not.toContain("interaction:failed");
    const next = ask();
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    waiting[1]?.();
    expect(read(await next.response())).toContain("Backfill running");
  });

  it("leaves an interaction that somebody else has acknowledged to them", async () => {
    const { discord, logged, calls } = await startCommands({
      before: async (interaction) => {
        await interaction.client.rest.post(Routes.interactionCallback(interaction.id, interaction.token), {
          auth: false,
          body: { type: 4, data: { content: "the other one was faster" } },
        });
      },
    });
    const { world, admin, general } = discord;
    const asked = world.runCommand({ ...status, userId: admin.id, channelId: general.id });
    expect(read(await asked.response())).toBe("the other one was faster");
    await vi.waitFor(() => expect(logged.map(({ event }) => event)).toContain("interaction:unanswerable"));
    expect(asked.followups()).toEqual([]);
    expect(calls).toEqual([]);
  });

  it("says what is up with a button of an older version, and leaves the host's buttons alone", async () => {
    const { discord, client } = await startCommands();
    const { world, admin, general } = discord;
    const channel = await client.channels.fetch(general.id);
    if (!channel?.isSendable()) throw new Error("not a text channel");
    const button = (customId: string) => ({ type: 2, style: 2, label: customId, custom_id: customId }) as const;
    const posted = await channel.send({
      content: "choose",
      components: [
        { type: 1, components: [button("backscroll:backfill:dance"), button("backscroll"), button("host:go")] },
      ],
    });
    const press = (customId: string) => world.pressButton({ userId: admin.id, messageId: posted.id, customId });
    expect(read(await press("backscroll:backfill:dance").response())).toContain("older version");
    expect(read(await press("backscroll").response())).toContain("older version");
    const host = press("host:go");
    await press("backscroll").response();
    expect(host.reply()).toBeUndefined();
  });
});

describe("a prefix", () => {
  it("renames every command, so that the host keeps its own of the same name", async () => {
    const answered: string[] = [];
    const { discord } = await startCommands({
      options: { prefix: "bs-" },
      host: (client) => {
        client.on(Events.InteractionCreate, async (interaction) => {
          if (!interaction.isChatInputCommand() || interaction.commandName !== "search") return;
          answered.push(interaction.commandName);
          await interaction.reply("the host's own search");
        });
      },
    });
    const { world, admin, ada, general } = discord;
    const names = world.availableCommands(admin.id, general.id).map(({ definition }) => definition.name);
    expect(names).toContain("search");
    for (const name of names.filter((name) => name !== "search")) expect(name).toMatch(/^bs-/);
    const host = world.runCommand({ userId: admin.id, channelId: general.id, name: "search" });
    expect(read(await host.response())).toBe("the host's own search");
    const ours = world.runCommand({ ...status, name: "bs-backfill", userId: admin.id, channelId: general.id });
    expect(read(await ours.response())).toContain("Backfill running");
    const message = world.postMessage({ channelId: general.id, authorId: ada.id, content: "hello" });
    const saved = world.runMessageCommand({ userId: ada.id, messageId: message.id, name: "bs-Save as note" });
    const reply = await saved.response();
    const undo = world.pressButton({
      userId: ada.id,
      messageId: reply.id,
      customId: buttonId(reply, "Remove it again"),
    });
    await undo.until((changed) => changed && read(changed).includes("The note is removed"));
    expect(answered).toEqual(["search"]);
  });

  it("that Discord would not allow is refused at once", () => {
    const context = {} as Parameters<typeof createCommands>[0];
    expect(() => createCommands(context, { prefix: "My Bot " })).toThrow("prefix");
    expect(() => createCommands(context, { prefix: "a".repeat(40) })).toThrow("prefix");
  });
});

describe("every message", () => {
  it("goes out in discord.js's spelling without pinging anybody", () => {
    const reply = toReply(progressView(exampleStatus()));
    expect(reply.allowedMentions).toEqual({ parse: [] });
    expect(reply).not.toHaveProperty("allowed_mentions");
  });
});
