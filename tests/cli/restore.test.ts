// npm run restore: the emergency restore, as a process, on what a bot has left.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { channel, GUILD, history, openSetup, type Setup } from "../support/engine.ts";

let setup: Setup;
beforeEach(async () => {
  setup = await openSetup({ textsPerRequest: 20 });
});
afterEach(() => setup.close());

test("sets the index back to before a run, without what was edited or deleted since, and a backfill makes it whole", async () => {
  const { folder } = setup;
  const records = history(60);
  await backfill(records.slice(20));
  await backfill(records);
  const [first, second] = records.slice(30);
  if (first === undefined || second === undefined) throw new Error("no records");
  await setup.live.messageSaved(GUILD, { ...first, content: "an edited glacier" }, channel(first.channelId));
  await setup.live.messagesDeleted(GUILD, [second.id]);
  await setup.live.idle();
  const whole = await setup.rows();
  expect(whole.size).toBe(59);
  const tag = (await setup.run()).indexTag;
  expect(await restore(folder, "--guild", GUILD, "--tag", tag)).toMatchObject({
    code: 1,
    output: expect.stringContaining("setup looks after this server. Stop it"),
  });
  await setup.stop();

  expect((await restore(folder, "--guild", GUILD)).output).toMatch(new RegExp(`^${tag} .* 40 rows .*\n.* 0 rows `));
  const { code, output } = await restore(folder, "--guild", GUILD, "--tag", tag);
  expect(output).toContain("40 rows");
  expect(code).toBe(0);

  setup = await openSetup({ folder, ...(setup.server && { server: setup.server }), textsPerRequest: 20 });
  expect(await setup.run()).toMatchObject({ status: "cancelled", reason: { kind: "index-restored", version: tag } });
  const back = await setup.rows();
  // The two, and the next ones of their channels, which carry their words as context.
  const taken = [30, 31, 27, 28].map((n) => `message/${records[n]?.id}/0`);
  expect([...back.keys()].sort()).toEqual(
    records
      .slice(20)
      .map(({ id }) => `message/${id}/0`)
      .filter((key) => !taken.includes(key))
      .sort(),
  );
  expect(output).toContain(`it adds the ${59 - back.size} that are missing`);
  await setup.start();
  await setup.settled();
  expect(await setup.rows()).toEqual(whole);
});

test("says what is wrong with the call, and changes nothing", async () => {
  await backfill(history(10));
  await setup.stop();
  const { folder } = setup;
  expect(await restore(folder)).toMatchObject({ code: 2, output: expect.stringMatching(/^Usage: npm run restore/m) });
  expect(await restore(folder, "--guild", GUILD, "--tag", "before-run-x")).toMatchObject({
    code: 1,
    output: expect.stringContaining("no version called before-run-x"),
  });
});

async function backfill(records: ReturnType<typeof history>): Promise<void> {
  await setup.archive.save(GUILD, records, { pending: false });
  await setup.start();
  expect((await setup.settled()).status).toBe("succeeded");
}

async function restore(dataDir: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const script = join(import.meta.dirname, "../../src/cli/restore.ts");
  const child = spawn(process.execPath, [script, ...args], { env: { DATA_DIR: dataDir } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  return { code, output };
}
