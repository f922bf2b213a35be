import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { writtenHistory } from "../../sandbox/history/read.ts";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import type { StaticModel } from "../../src/adapters/builtin-model/static-model.ts";
import type { FoundRow } from "../../src/ports/vector-index.ts";
import { isNothingClose, leastClose } from "../../src/search/nothing-close.ts";
import { indexRow } from "../support/index-store.ts";

const history = writtenHistory({ endsAt: Date.UTC(2025, 5, 15) });

describe("nothing close, in the community of the demo,", () => {
  let model: StaticModel;
  let rows: FoundRow[];
  let least: number;
  const isFar = (query: string) => isNothingClose(query, rows, model.vector(query), least);

  beforeAll(async () => {
    model = await loadStaticModel(fileURLToPath(new URL("../../models/backscroll-static", import.meta.url)));
    const names = new Map(history.members.map(({ id, name }) => [id, name]));
    rows = history.messages.map(({ content, authorId }, at) => {
      const said = `${names.get(authorId) ?? "somebody"}: ${content}`;
      return indexRow({ id: String(100 + at), text: content, searchText: said, vector: model.vector(said) });
    });
    least = leastClose(rows.filter((_, at) => at % 8 === 0).map(({ vector }) => vector)) ?? 0;
  });

  it("is what gibberish finds", () => {
    for (const query of ["asdkjh qweoiu zxmcnb", "xkcdq wvut plmokn", "skdjfhkjw", "qqqwwwqq", "hgfd jkl"]) {
      expect([query, isFar(query)]).toEqual([query, true]);
    }
  });

  it("is said of no question that the community answers", () => {
    expect(history.queries.length).toBeGreaterThan(20);
    for (const { text } of history.queries) expect([text, isFar(text)]).toEqual([text, false]);
  });

  it("never hides a row that has one of the words, however far it is", () => {
    expect(isNothingClose("zxmcnb rotor", rows, model.vector("zxmcnb rotor"), 2)).toBe(false);
    expect(isNothingClose("zxmcnb", rows, model.vector("zxmcnb"), 2)).toBe(true);
  });
});

it("says nothing of texts in another script: a question across languages lies further from its answer", () => {
  const vector = new Float32Array([0, 1]);
  const rows = ["今天天气很好", "明天会下雨"].map((text, at) =>
    indexRow({ id: String(at + 1), text, searchText: text, vector: new Float32Array([1, 0]) }),
  );
  expect(isNothingClose("what will the weather be", rows, vector, 0.5)).toBe(false);
  expect(isNothingClose("股票", rows, vector, 0.5)).toBe(true);
});

it("says nothing of a guild with few messages", () => {
  expect(leastClose([new Float32Array([1])])).toBeUndefined();
});
