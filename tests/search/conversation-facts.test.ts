import { expect, it } from "vitest";
import type { ChannelInfo, ChannelType } from "../../src/ports/archive.ts";
import type { StoredRecord } from "../../src/ports/records.ts";
import { createConversationFacts } from "../../src/search/conversation-facts.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { testMessage } from "../support/archive.ts";
import { indexRow } from "../support/index-store.ts";

const at = (minute: number) => snowflakeAt(Date.UTC(2025, 5, 10, 12) + minute * 60_000);
const kinds: Record<string, ChannelType> = { "10": "text", "77": "public-thread", "88": "private-thread" };

function setUp(replies: Record<string, string> = {}) {
  const asked: string[] = [];
  const facts = createConversationFacts({
    async channel(_, id): Promise<ChannelInfo | undefined> {
      asked.push(id);
      const type = kinds[id];
      return type && { id, name: "", type, accessChannelId: type === "public-thread" ? "10" : id };
    },
    async get(_, kind, ids) {
      asked.push(...ids);
      const found = ids.map((id): [string, StoredRecord] => {
        const replyToId = replies[id];
        return [id, { record: { ...testMessage(1), kind, id, ...(replyToId && { replyToId }) }, contentHash: "" }];
      });
      return new Map(found);
    },
  });
  return { facts, asked };
}

it("knows threads, private ones too, and asks of each channel once", async () => {
  const { facts, asked } = setUp();
  const rows = ["10", "77", "88", "77", "99"].map((channelId, n) => indexRow({ id: at(n), channelId }));
  expect([...(await facts("1", rows)).threadIds]).toEqual(["77", "88"]);
  await facts("1", rows);
  expect(asked).toEqual(["10", "77", "88", "99", "99"]);
});

it("looks up what late messages answer, where it may be one of the others or the same", async () => {
  const { facts, asked } = setUp({ [at(90)]: at(0), [at(200)]: at(1) });
  const { answered } = await facts("1", [
    indexRow({ id: at(0) }),
    indexRow({ id: at(5), contextId: at(0) }),
    indexRow({ id: at(90), contextId: at(0) }),
    indexRow({ id: at(200), contextId: at(1) }),
    indexRow({ id: at(300), contextId: at(1) }),
    indexRow({ id: at(400), contextId: at(2) }),
  ]);
  expect(asked).toEqual(["10", at(90), at(200), at(300)]);
  expect([...answered]).toEqual([
    [at(90), at(0)],
    [at(200), at(1)],
  ]);
});
