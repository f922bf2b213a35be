import { expect, it } from "vitest";
import type { FoundRow } from "../../src/ports/vector-index.ts";
import { foldConversations } from "../../src/search/fold-conversations.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { indexRow } from "../support/index-store.ts";

const at = (minute: number) => snowflakeAt(Date.UTC(2025, 5, 10, 12) + minute * 60_000);
const said = (minute: number, row: Partial<FoundRow> = {}) => ({ row: indexRow({ id: at(minute), ...row }), score: 1 });
/** Of each conversation, the minutes of its hits. */
const facts = (answered: Record<string, string> = {}) => ({
  threadIds: new Set(["77"]),
  answered: new Map(Object.entries(answered)),
});
const folded = (
  entries: readonly ReturnType<typeof said>[],
  ownThreads?: readonly string[],
  answered: Record<string, string> = {},
) =>
  foldConversations(entries, facts(answered), ownThreads).map(({ row, others }) =>
    [row, ...others].map(({ id }) => entries.findIndex((entry) => entry.row.id === id)),
  );

it("makes one result of the hits in one thread, however far apart, the best first", () => {
  const inThread = { channelId: "77" };
  const entries = [said(0, inThread), said(1, { channelId: "11" }), said(50_000, { ...inThread, authorId: "21" })];
  expect(folded(entries)).toEqual([[0, 2], [1]]);
});

it("keeps the messages of a thread apart for who looks into that thread, but for one exchange", () => {
  const inThread = { channelId: "77" };
  expect(folded([said(0, inThread), said(2, inThread), said(500, inThread)], ["77"])).toEqual([[0, 1], [2]]);
});

it("folds what one person wrote within minutes, not what others wrote beside it", () => {
  expect(folded([said(0), said(4), said(8), said(60)])).toEqual([[0, 1, 2], [3]]);
  expect(folded([said(0), said(4, { authorId: "21" })])).toEqual([[0], [1]]);
  expect(folded([said(0), said(4, { channelId: "11" })])).toEqual([[0], [1]]);
});

it("folds an answer with what it answers, and two answers to one message, within a quarter of an hour", () => {
  expect(folded([said(0), said(12, { authorId: "21", contextId: at(0) })])).toEqual([[0, 1]]);
  expect(folded([said(12, { authorId: "21", contextId: at(0) }), said(0)])).toEqual([[0, 1]]);
  const answers = [said(5, { authorId: "21", contextId: at(0) }), said(6, { authorId: "22", contextId: at(0) })];
  expect(folded(answers)).toEqual([[0, 1]]);
  expect(folded([said(0), said(90, { authorId: "21", contextId: at(0) })])).toEqual([[0], [1]]);
});

it("folds a chain of replies, however late they came", () => {
  const chain = [
    said(0),
    said(900, { authorId: "21", contextId: at(0) }),
    said(5_000, { authorId: "22", contextId: at(900) }),
    said(9_000, { authorId: "23", contextId: at(0) }),
    said(9_100, { authorId: "24", contextId: at(9_000) }),
  ];
  const answered = { [at(900)]: at(0), [at(5_000)]: at(900), [at(9_000)]: at(0) };
  expect(folded(chain, [], answered)).toEqual([[0, 1, 2, 3], [4]]);
  expect(
    folded(
      [chain[1], chain[3]].flatMap((each) => each ?? []),
      [],
      answered,
    ),
  ).toEqual([[0, 1]]);
});

it("joins two exchanges by what stands between them, whichever is the best", () => {
  expect(folded([said(0), said(8), said(30), said(4)])).toEqual([[0, 1, 3], [2]]);
});

it("does not count what is far less of an answer, nor list it on its own", () => {
  const [best, other, weak] = [said(0), said(1), { ...said(2), score: 0.4 }];
  expect(folded([best, other, weak])).toEqual([[0, 1]]);
});

it("leaves notes on their own", () => {
  expect(folded([said(0, { kind: "note" }), said(1, { kind: "note" }), said(2)])).toEqual([[0], [1], [2]]);
});
