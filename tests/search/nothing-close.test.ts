import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { writtenHistory } from "../../sandbox/history/read.ts";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import type { StaticModel } from "../../src/adapters/builtin-model/static-model.ts";
import type { FoundRow } from "../../src/ports/vector-index.ts";
import {
  areFar,
  type Farness,
  haveNoWordOf,
  isInOtherLetters,
  measureFarness,
  NONSENSE,
} from "../../src/search/nothing-close.ts";
import { indexRow } from "../support/index-store.ts";
import { seeded } from "../torture/seeded.ts";

const GIBBERISH = ["asdkjh qweoiu zxmcnb", "xkcdq wvut plmokn", "skdjfhkjw", "qqqwwwqq", "hgfd jkl"];

let model: StaticModel;
beforeAll(async () => {
  model = await loadStaticModel(fileURLToPath(new URL("../../models/backscroll-static", import.meta.url)));
});

function guildOf(texts: readonly string[]) {
  const rows: FoundRow[] = texts.map((text, at) =>
    indexRow({ id: String(100 + at), text, searchText: text, vector: model.vector(text) }),
  );
  const sample = rows.filter((_, at) => at % Math.ceil(rows.length / 2_000) === 0);
  const farness = measureFarness(
    sample.map(({ vector }) => vector),
    NONSENSE.map(model.vector),
  ) as Farness;
  return { rows, isFar: (query: string) => haveNoWordOf(query, rows) && areFar(rows, model.vector(query), farness) };
}

describe("nothing close, in the community of the demo,", () => {
  const history = writtenHistory({ endsAt: Date.UTC(2025, 5, 15) });
  let guild: ReturnType<typeof guildOf>;

  beforeAll(() => {
    const names = new Map(history.members.map(({ id, name }) => [id, name]));
    const texts = history.messages.map(({ content, authorId }) => `${names.get(authorId) ?? "somebody"}: ${content}`);
    guild = guildOf(texts);
  });

  it("is what gibberish finds", () => {
    for (const query of GIBBERISH) expect([query, guild.isFar(query)]).toEqual([query, true]);
  });

  it("is said of no question that the community answers", () => {
    expect(history.queries.length).toBeGreaterThan(20);
    for (const { text } of history.queries) expect([text, guild.isFar(text)]).toEqual([text, false]);
  });

  it("never hides a row that has one of the words, however far it is", () => {
    expect(guild.isFar("zxmcnb rotor")).toBe(false);
    expect(guild.isFar("zxmcnb")).toBe(true);
  });
});

/** What e5 does: all its texts lie near to each other, and the less a query says, the nearer it is to all of them. */
describe("nothing close, in a guild whose texts are alike and far from how people ask,", () => {
  const random = seeded(7);
  const around = (...way: readonly number[]) => {
    const noise = Array.from({ length: 60 }, () => (random() - 0.5) * 0.1);
    const all = [...way, ...noise];
    const length = Math.hypot(...all);
    return Float32Array.from(all, (value) => value / length);
  };
  const asRows = (vectors: readonly Float32Array[]) => vectors.map((vector) => ({ vector }));
  const filler = Array.from({ length: 497 }, () => around(0.9, 0.4, 0, 0));
  const answer = around(0.85, 0, 0.5, 0);
  const nonsense = Array.from({ length: 16 }, () => around(0.9, 0.1, 0, 0.4));
  const question = around(0.8, 0, 0.25, 0.6);
  const farness = measureFarness([...filler, answer], nonsense) as Farness;

  it("is said of no question that has an answer, though nonsense is nearer to all of them", () => {
    const cosines = [...filler, answer].map((row) =>
      row.reduce((sum, value, i) => sum + value * (question[i] ?? 0), 0),
    );
    expect(Math.max(...cosines)).toBeLessThan(farness.leastCosine);
    expect(areFar(asRows([...filler, answer]), question, farness)).toBe(false);
  });

  it("is said of the question where its answer is not, and of other nonsense", () => {
    expect(areFar(asRows(filler), question, farness)).toBe(true);
    expect(areFar(asRows([...filler, answer]), around(0.9, 0.1, 0, 0.4), farness)).toBe(true);
  });
});

it("takes an emoji that is there for a word that is there", () => {
  const rows = [{ searchText: "Ada: \u2029my 🚲 has a flat" }];
  expect(haveNoWordOf("🚲️", rows)).toBe(false);
  expect(haveNoWordOf("🚗", rows)).toBe(true);
});

it("says nothing of a guild with few messages", () => {
  const few = Array.from({ length: 99 }, () => Float32Array.of(1));
  expect(measureFarness(few, NONSENSE.map(model.vector))).toBeUndefined();
});

describe("words in other letters than those of the rows", () => {
  const japanese = ["ブレーキが鳴きます", "GitHubにあります", "新しいアンテナを買いました"].map((searchText) => ({
    searchText,
  }));
  const english = ["my brakes squeal", "a new antenna (アンテナ)"].map((searchText) => ({ searchText }));

  it.each([
    ["Welche Bremsen quietschen?", japanese, true],
    ["почему скрипят тормоза", english, true],
    ["which brakes squeal?", english, false],
    ["ブレーキ", japanese, false],
  ])("%s", (query, rows, isOther) => {
    expect(isInOtherLetters(query, rows, model)).toBe(isOther);
  });

  it("are told from gibberish, which is no word of any language", () => {
    for (const query of GIBBERISH) expect([query, isInOtherLetters(query, japanese, model)]).toEqual([query, false]);
  });
});
