import { MessageFlags, PermissionFlagsBits } from "discord-api-types/v10";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import type { Generation } from "../../src/ports/generations.ts";
import { exampleAnalysis, exampleChange, exampleGeneration, exampleRun, exampleStatus } from "../views/examples.ts";
import { buttonId, read, startCommands } from "./support.ts";

/** A promise that the test resolves when it is time. */
function gate() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const isEphemeral = (message: { flags?: number }) => ((message.flags ?? 0) & MessageFlags.Ephemeral) !== 0;

describe("/backfill", () => {
  it("analyze counts in the open while it shows progress, and offers to start", async () => {
    const { promise, resolve } = gate();
    const { discord, calls } = await startCommands({
      backfill: {
        async analyze(_guildId, onProgress) {
          onProgress?.(12_345);
          onProgress?.(23_456);
          await promise;
          return exampleAnalysis();
        },
      },
    });
    const { world, admin, general } = discord;
    const asked = world.runCommand({
      userId: admin.id,
      channelId: general.id,
      name: "backfill",
      subcommand: "analyze",
    });
    const progress = await asked.response();
    expect(read(progress)).toContain("12,345 messages so far");
    expect(isEphemeral(progress)).toBe(false);
    resolve();
    const analysis = await asked.until((reply) => reply && read(reply).includes("Backfill analysis") && reply);
    const started = world.pressButton({
      userId: admin.id,
      messageId: analysis.id,
      customId: buttonId(analysis, "Start the backfill"),
    });
    await started.until((reply) => reply && read(reply).includes("The backfill has started"));
    expect(calls.map(({ method }) => method)).toEqual(["analyze", "start"]);
  });

  it("analyze attaches its chart with alt text, and says the same in words where it cannot be drawn or attached", async () => {
    let png: Uint8Array | undefined = new Uint8Array([137, 80, 78, 71]);
    const { discord } = await startCommands({ context: { draw: async () => png } });
    const { world, admin, general, guild } = discord;
    const analyze = () =>
      world
        .runCommand({ userId: admin.id, channelId: general.id, name: "backfill", subcommand: "analyze" })
        .until((reply) => reply && read(reply).includes("Backfill analysis") && reply);
    const drawn = await analyze();
    expect(drawn.attachments).toMatchObject([
      { filename: "messages-per-month.png", content_type: "image/png", description: expect.stringContaining("16.6 %") },
    ]);
    expect(drawn.content).toBe("");
    png = undefined;
    const described = await analyze();
    expect(described.attachments).toEqual([]);
    expect(described.content).toContain("Bar chart of messages per month");
    png = new Uint8Array([137, 80, 78, 71]);
    const overwrites = [{ id: world.bot.id, deny: PermissionFlagsBits.AttachFiles }];
    const closed = world.addChannel({ guildId: guild.id, name: "no-files", overwrites });
    const reply = await world
      .runCommand({ userId: admin.id, channelId: closed.id, name: "backfill", subcommand: "analyze" })
      .until((message) => message && read(message).includes("Backfill analysis") && message);
    expect([reply.attachments, reply.content]).toEqual([[], expect.stringContaining("Bar chart")]);
  });

  it("shows the analysis even when it took longer than the interaction's 15 minutes", async () => {
    const { promise, resolve } = gate();
    const { discord } = await startCommands({
      backfill: {
        async analyze(_guildId, onProgress) {
          onProgress?.(1);
          await promise;
          return exampleAnalysis();
        },
      },
    });
    const { world, admin, general, clock } = discord;
    const asked = world.runCommand({
      userId: admin.id,
      channelId: general.id,
      name: "backfill",
      subcommand: "analyze",
    });
    await asked.response();
    clock.advance(16 * 60_000);
    resolve();
    await world.waitForMessage(general.id, (message) => read(message).includes("Backfill analysis"));
  });

  it("analyze of all servers is for the application's owner only, and names those that could not be counted", async () => {
    const { discord, archive } = await startCommands({
      backfill: {
        async analyze(guildId) {
          if (guildId === "77") throw new UserError("Another process owns it.");
          if (guildId === "78") throw new Error("broken");
          return exampleAnalysis();
        },
      },
    });
    const { world, admin, ben, guild, general } = discord;
    for (const guildId of [guild.id, "77", "78"]) {
      await archive.saveSettings(guildId, { adminChannelId: general.id });
    }
    const command = { channelId: general.id, name: "backfill", subcommand: "analyze", options: { scope: "all" } };
    const answer = await world.runCommand({ ...command, userId: admin.id }).until((reply) => {
      return reply && read(reply).includes("All servers") && reply;
    });
    expect(isEphemeral(answer)).toBe(true);
    expect(read(answer)).toContain("**Test guild**: 21,000 of 50,000 searchable");
    expect(read(answer)).toContain("**server 77**: Another process owns it.");
    expect(read(answer)).toContain("**server 78**: could not be counted");
    const manager = world.addRole(guild.id, { name: "manager", permissions: 1n << 5n });
    world.addMember(guild.id, { userId: ben.id, roleIds: [manager.id] });
    const refused = await world.runCommand({ ...command, userId: ben.id }).response();
    expect(read(refused)).toContain("Only the owner of this bot");
  });

  it("start passes on what was chosen and where to report", async () => {
    const { discord, calls } = await startCommands();
    const { world, admin, general, adminChannel, guild } = discord;
    const options = { phases: "notes, recent", pace: "gentle", source: "discord", "report-to": adminChannel.id };
    const reply = await world
      .runCommand({ userId: admin.id, channelId: general.id, name: "backfill", subcommand: "start", options })
      .until((message) => message && read(message).includes("has started") && message);
    expect(read(reply)).toContain(`<#${adminChannel.id}>`);
    expect(calls).toEqual([
      {
        method: "start",
        args: [
          guild.id,
          {
            phases: ["recent", "notes"],
            pace: "gentle",
            source: "discord",
            adminChannelId: adminChannel.id,
            startedBy: admin.id,
          },
        ],
      },
    ]);
  });

  it("start reports to the remembered channel, else to where it was typed", async () => {
    const { discord, calls, archive } = await startCommands();
    const { world, admin, general, adminChannel, guild } = discord;
    const start = { userId: admin.id, channelId: general.id, name: "backfill", subcommand: "start" };
    await world.runCommand(start).until((reply) => reply && read(reply).includes("has started"));
    await archive.saveSettings(guild.id, { adminChannelId: adminChannel.id });
    await world.runCommand(start).until((reply) => reply && read(reply).includes("has started"));
    world.deleteChannel(adminChannel.id);
    await world.runCommand(start).until((reply) => reply && read(reply).includes("has started"));
    const channels = calls.map(({ args }) => (args[1] as { adminChannelId: string }).adminChannelId);
    expect(channels).toEqual([general.id, adminChannel.id, general.id]);
  });

  it("start refuses a channel the bot cannot write in, and a phase that does not exist, before anything starts", async () => {
    const { discord, calls } = await startCommands();
    const { world, admin, general, guild } = discord;
    const hidden = world.addChannel({
      guildId: guild.id,
      name: "hidden",
      overwrites: [{ id: guild.id, deny: 1n << 10n }],
    });
    const command = { userId: admin.id, channelId: general.id, name: "backfill", subcommand: "start" };
    const blocked = await world.runCommand({ ...command, options: { "report-to": hidden.id } }).response();
    expect(read(blocked)).toMatch(/Reports cannot go to .*Nothing was started/);
    const unknown = await world.runCommand({ ...command, options: { phases: "recent, ancient" } }).response();
    expect(read(unknown)).toContain("There is no phase “ancient”");
    expect(isEphemeral(unknown)).toBe(true);
    expect(calls).toEqual([]);
  });

  it("start suggests phases while they are typed", async () => {
    const { discord } = await startCommands();
    const { world, admin, general } = discord;
    const typing = {
      userId: admin.id,
      channelId: general.id,
      name: "backfill",
      subcommand: "start",
      focused: "phases",
    };
    const all = await world.autocomplete({ ...typing, options: { phases: "" } }).choices();
    expect(all.map(({ name }) => name).slice(0, 3)).toEqual(["all: recent, medium, full, notes", "recent", "medium"]);
    const some = await world.autocomplete({ ...typing, options: { phases: "notes med" } }).choices();
    expect(some.map(({ value }) => value)).toContain("medium, notes");
    expect(some.map(({ value }) => value)).not.toContain("recent");
  });

  it("start asks before it changes an unfinished run's plan, and does what is chosen", async () => {
    const run = exampleRun({ status: "paused" });
    const status = exampleStatus({ run });
    const { discord, calls } = await startCommands({
      backfill: {
        status: async () => status,
        start: async (_guildId, options) =>
          options.pace === "full" && !options.changePlan
            ? { outcome: "plan-differs", status, differences: [{ option: "pace", asked: ["full"], planned: ["auto"] }] }
            : { outcome: "resumed", status, from: "paused" },
      },
    });
    const { world, admin, general } = discord;
    const command = { userId: admin.id, channelId: general.id, name: "backfill", subcommand: "start" };
    const ask = () =>
      world
        .runCommand({ ...command, options: { pace: "full", phases: "full" } })
        .until((reply) => reply && read(reply).includes("another plan") && reply);
    for (const label of ["Keep its plan", "Change to the new plan"]) {
      const question = await ask();
      const pressed = world.pressButton({
        userId: admin.id,
        messageId: question.id,
        customId: buttonId(question, label),
      });
      const answer = await pressed.until((reply) => reply && read(reply).includes("goes on") && reply);
      expect(() => buttonId(answer, label)).toThrow("no button");
    }
    const starts = calls.filter(({ method }) => method === "start").map(({ args }) => args[1]);
    expect(starts[1]).toMatchObject({ phases: ["recent", "medium", "full", "notes"], pace: "auto", source: "archive" });
    expect(starts[1]).not.toHaveProperty("changePlan");
    expect(starts[3]).toMatchObject({ phases: ["full"], pace: "full", changePlan: true, adminChannelId: general.id });
  });

  it("status, failures and retry answer for the asker's eyes only", async () => {
    const { discord } = await startCommands();
    const { world, admin, general } = discord;
    for (const [subcommand, words] of [
      ["status", "Backfill running"],
      ["failures", "No failures"],
      ["retry", "3 messages get another chance"],
    ] as const) {
      const reply = await world
        .runCommand({ userId: admin.id, channelId: general.id, name: "backfill", subcommand })
        .response();
      expect(read(reply)).toContain(words);
      expect(isEphemeral(reply)).toBe(true);
    }
  });

  it("verify shows the ticks", async () => {
    const { discord } = await startCommands();
    const { world, admin, general } = discord;
    const reply = await world
      .runCommand({ userId: admin.id, channelId: general.id, name: "backfill", subcommand: "verify" })
      .response();
    expect(read(reply)).toContain("✅ **Found by search**");
  });

  it("rollback asks for confirmation, and takes back only the run it asked about", async () => {
    let run = exampleRun({ status: "succeeded" });
    const { discord, calls } = await startCommands({ backfill: { status: async () => exampleStatus({ run }) } });
    const { world, admin, general } = discord;
    const ask = () =>
      world
        .runCommand({ userId: admin.id, channelId: general.id, name: "backfill", subcommand: "rollback" })
        .response();
    const press = async (label: string) => {
      const question = await ask();
      return () => world.pressButton({ userId: admin.id, messageId: question.id, customId: buttonId(question, label) });
    };
    const cancelled = (await press("Leave it as it is"))();
    await cancelled.until((reply) => reply && read(reply) === "Nothing was changed.");
    const late = await press("Roll back");
    run = exampleRun({ id: "run-2" });
    const pressedLate = late();
    expect(read(await pressedLate.followup())).toContain("Another backfill has started meanwhile");
    expect(pressedLate.reply()?.content).toContain("The rollback did not come to its end.");
    expect(calls.filter(({ method }) => method === "rollback")).toEqual([]);
    const confirmed = (await press("Roll back"))();
    const done = await confirmed.until((reply) => reply && read(reply).includes("7 entries") && reply);
    expect(read(done)).toContain("↩️ Backfill taken back");
  });

  it("rollback of the index asks, too, and goes back only to the one it asked about", async () => {
    let former: Generation | undefined = exampleGeneration();
    const { discord, calls } = await startCommands({ backfill: { formerIndex: async () => former } });
    const { world, admin, general } = discord;
    const ask = () =>
      world
        .runCommand({
          userId: admin.id,
          channelId: general.id,
          name: "backfill",
          subcommand: "rollback",
          options: { what: "index" },
        })
        .response();
    const question = await ask();
    expect(read(question)).toContain("Go back to the former search index?");
    const press = () =>
      world.pressButton({ userId: admin.id, messageId: question.id, customId: buttonId(question, "Go back") });
    former = exampleGeneration({ fingerprint: "another-8-00000000-11111111" });
    expect(read(await press().followup())).toContain("changed meanwhile");
    former = undefined;
    expect(read(await ask())).toContain("There is no former search index");
    expect(calls.filter(({ method }) => method === "rollbackIndex")).toEqual([]);
    former = exampleGeneration();
    const done = await press().until((reply) => reply && read(reply).includes("uses the former index again"));
    expect(done).toBe(true);
    expect(calls.filter(({ method }) => method === "rollbackIndex")).toHaveLength(1);
  });

  it("the question after a change of the model can be put off, and says how to begin later", async () => {
    const { discord, client, calls } = await startCommands();
    const { world, admin, ben, general } = discord;
    const { toReply } = await import("../../src/commands/reply.ts");
    const { generationChangeView } = await import("../../src/views/generation-change.ts");
    const channel = await client.channels.fetch(general.id);
    if (!channel?.isSendable()) throw new Error("not a text channel");
    const posted = await channel.send(toReply(generationChangeView(exampleChange(), exampleAnalysis())));
    const press = (userId: string, what: string) =>
      world.pressButton({ userId, messageId: posted.id, customId: `backscroll:backfill:${what}` });
    expect(read(await press(ben.id, "later").response())).toContain("needs the Manage Server permission");
    await press(admin.id, "later").until((reply) => reply && read(reply).includes("begins it whenever you like"));
    await press(admin.id, "start").response();
    expect(calls.filter(({ method }) => method === "start")).toHaveLength(1);
  });
});

describe("permission to backfill", () => {
  it("is checked at run time, for commands and for the buttons everyone sees", async () => {
    const { discord, client, calls } = await startCommands();
    const { world, admin, ben, general } = discord;
    // Server admins can give a command to anybody; our own check still holds.
    const command = [...world.state.commands.values()].find(({ definition }) => definition.name === "backfill");
    if (!command) throw new Error("not registered");
    Object.assign(command.definition, { default_member_permissions: null });
    const refused = await world
      .runCommand({ userId: ben.id, channelId: general.id, name: "backfill", subcommand: "status" })
      .response();
    expect(read(refused)).toContain("needs the Manage Server permission");
    expect(isEphemeral(refused)).toBe(true);

    const { toReply } = await import("../../src/commands/reply.ts");
    const { progressView } = await import("../../src/views/progress.ts");
    const channel = await client.channels.fetch(general.id);
    if (!channel?.isSendable()) throw new Error("not a text channel");
    const posted = await channel.send(toReply(progressView(exampleStatus())));
    const press = (userId: string) =>
      world.pressButton({ userId, messageId: posted.id, customId: "backscroll:backfill:pause" });
    const reply = await press(ben.id).response();
    expect(read(reply)).toContain("needs the Manage Server permission");
    expect(calls).toEqual([]);
    expect(read(await press(admin.id).response())).toContain("Pausing");
    expect(calls.map(({ method }) => method)).toEqual(["pause"]);
    // The progress message itself stays as it is: the engine edits it.
    expect(read(world.render(world.getMessage(posted.id)))).toContain("Backfill running");
  });
});
