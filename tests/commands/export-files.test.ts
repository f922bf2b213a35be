import { expect, test } from "vitest";
import { exportFiles } from "../../src/commands/export-files.ts";
import { testMessage, testNote } from "../support/archive.ts";

const asked = { guildId: "1", userId: "200", now: Date.UTC(2026, 0, 1) };

async function filesOf(count: number, maxBytes: number) {
  async function* records() {
    for (let n = 0; n < count; n += 10) {
      yield Array.from({ length: 10 }, (_, at) => ({ record: testMessage(n + at), channelName: "general" }));
    }
    yield [{ record: testNote(5_000), channelName: undefined }];
  }
  const files = [];
  for await (const file of exportFiles({ records }, asked, maxBytes)) {
    const { memberId, records } = JSON.parse(file.data.toString()) as { memberId: string; records: { id: string }[] };
    expect(memberId).toBe("200");
    expect(file.data.length).toBeLessThanOrEqual(maxBytes);
    files.push({ ...file, ids: records.map(({ id }) => id) });
  }
  return files;
}

test("an export is one file, or as many as Discord's size takes, each whole by itself, and every record once", async () => {
  const [all] = await filesOf(200, 1_000_000);
  expect(all).toMatchObject({ name: "my-words-1.json", exported: { messages: 200, notes: 1, left: 0 }, isLast: true });
  const files = await filesOf(200, 10_000);
  expect(files.length).toBeGreaterThan(3);
  expect(files.flatMap(({ ids }) => ids)).toEqual(all?.ids);
  expect(files.map(({ isLast }) => isLast)).toEqual(files.map((_, at) => at === files.length - 1));
});

test("an export beyond ten files says what is left", async () => {
  const files = await filesOf(1_000, 3_000);
  expect(files.length).toBe(10);
  const told = files.reduce((sum, { exported: { messages, notes, left } }) => sum + messages + notes + left, 0);
  expect(told).toBe(1_001);
  expect(files.at(-1)?.exported.left).toBeGreaterThan(500);
});
