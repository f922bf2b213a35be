// Filters as SQL: what nobody checks here would let a member read what is not theirs.

import { describe, expect, test } from "vitest";
import { filterSql, isOneOf, rangeSql, runSql, scopeSql } from "../../../src/adapters/lancedb/filter-sql.ts";
import type { SearchFilter } from "../../../src/ports/vector-index.ts";

const COLUMNS = new Set(["tags"]);
const sql = (filter: SearchFilter, columns: ReadonlySet<string> = COLUMNS) => filterSql(filter, columns);
const ALL: SearchFilter = { accessChannelIds: ["10"] };
const VISIBLE = "((accessChannelId IN (10) AND ownerId IS NULL))";

describe("what may be seen", () => {
  test("is what is in channels and nobody's own, and one's own", () => {
    expect(sql({ accessChannelIds: ["10", "11", "10"] })).toBe("((accessChannelId IN (10, 11) AND ownerId IS NULL))");
    expect(sql({ accessChannelIds: [], viewerId: "7" })).toBe("(ownerId = 7)");
    expect(sql({ accessChannelIds: ["10"], viewerId: "7" })).toBe(
      "((accessChannelId IN (10) AND ownerId IS NULL) OR ownerId = 7)",
    );
  });

  test("stands in brackets before all that narrows it: none of it can make it wider", () => {
    const filter: SearchFilter = {
      ...ALL,
      viewerId: "7",
      authorIds: ["20"],
      authorNames: ["ada"],
      tags: [["has:link", "is:pinned"]],
      except: { tags: ["is:bot"] },
    };
    expect(sql(filter)).toBe(
      "((accessChannelId IN (10) AND ownerId IS NULL) OR ownerId = 7)" +
        " AND (authorId IN (20) OR array_has_any(tags, ['by:ada']))" +
        " AND array_has_any(tags, ['has:link', 'is:pinned'])" +
        " AND NOT array_has_any(tags, ['is:bot'])",
    );
  });

  test.each<[string, Partial<SearchFilter>]>([
    ["no channel", { accessChannelIds: [] }],
    ["no kind", { kinds: [] }],
    ["no place", { channelIds: [] }],
    ["no author", { authorIds: [] }],
    ["no name", { authorNames: [] }],
    ["neither author nor name", { authorIds: [], authorNames: [] }],
    ["none of no tags", { tags: [["has:link"], []] }],
  ])("is nothing where %s will do", (_, narrow) => {
    expect(sql({ ...ALL, ...narrow })).toBeUndefined();
  });

  test.each<[string, Partial<SearchFilter>]>([
    ["ids", { excludeIds: [] }],
    ["tags", { tags: [] }],
    ["anything", { except: {} }],
    ["lists", { except: { kinds: [], channelIds: [], authorIds: [], tags: [] } }],
  ])("is all of it where no %s narrow it", (_, narrow) => {
    expect(sql({ ...ALL, ...narrow })).toBe(VISIBLE);
  });

  test.each<[Partial<SearchFilter>, string]>([
    [{ kinds: ["note", "note"] }, "kind IN ('note')"],
    [{ channelIds: ["11"] }, "channelId IN (11)"],
    [{ authorIds: ["20"] }, "authorId IN (20)"],
    [{ authorIds: [], authorNames: ["ada"] }, "array_has_any(tags, ['by:ada'])"],
    [{ afterId: "5" }, "id > 5"],
    [{ beforeId: "9" }, "id < 9"],
    [{ excludeIds: ["3", "4"] }, "NOT (id IN (3, 4))"],
    [{ except: { kinds: ["message"] } }, "NOT (kind IN ('message'))"],
    [{ except: { channelIds: ["11"] } }, "NOT (channelId IN (11))"],
    [{ except: { authorIds: ["20"] } }, "NOT (authorId IN (20))"],
  ])("narrowed by %j", (narrow, expected) => {
    expect(sql({ ...ALL, ...narrow })).toBe(`${VISIBLE} AND ${expected}`);
  });
});

test("a table of an earlier version has the tags that it has a column for, and no others", () => {
  const former = new Set(["hasLink", "hasPoll"]);
  expect(sql({ ...ALL, tags: [["has:link", "has:poll", "is:pinned"]] }, former)).toBe(
    `${VISIBLE} AND (hasLink OR hasPoll)`,
  );
  expect(sql({ ...ALL, tags: [["has:code"]] }, former)).toBe(`${VISIBLE} AND false`);
  expect(sql({ ...ALL, except: { tags: ["is:pinned"] } }, former)).toBe(`${VISIBLE} AND NOT false`);
});

describe("scopes", () => {
  test.each([
    [{ by: "channel", id: "10" } as const, "channelId = 10 OR accessChannelId = 10"],
    [{ by: "author", id: "20" } as const, "authorId = 20"],
    [{ by: "author", id: "20", beforeId: "99" } as const, "authorId = 20 AND id < 99"],
    [{ by: "age", beforeId: "99" } as const, "kind IN ('message') AND id < 99"],
    [{ by: "bots" } as const, "kind IN ('message') AND array_has_any(tags, ['is:bot'])"],
    [{ by: "guild" } as const, "true"],
  ])("%j", (scope, expected) => {
    expect(scopeSql(scope, COLUMNS)).toBe(expected);
  });

  test("where it is not known who is a bot, nobody is one", () => {
    expect(scopeSql({ by: "bots" }, new Set())).toBe("kind IN ('message') AND false");
  });
});

describe("nothing that somebody typed becomes SQL", () => {
  const bad = ["", "1 OR 1=1", "1)", "-1", "1.5", "0x10", "9223372036854775808", "１"];
  test.each(bad)("%j is no id, wherever one stands", (id) => {
    const places: (() => unknown)[] = [
      () => sql({ accessChannelIds: [id] }),
      () => sql({ accessChannelIds: [], viewerId: id }),
      () => sql({ ...ALL, channelIds: ["10", id] }),
      () => sql({ ...ALL, authorIds: [id] }),
      () => sql({ ...ALL, afterId: id }),
      () => sql({ ...ALL, beforeId: id }),
      () => sql({ ...ALL, excludeIds: [id] }),
      () => sql({ ...ALL, except: { channelIds: [id] } }),
      () => sql({ ...ALL, except: { authorIds: [id] } }),
      () => isOneOf("contextId", [id]),
      () => rangeSql("message", { newestId: id, oldestId: "1" }),
      () => rangeSql("message", { newestId: "1", oldestId: id }),
      () => scopeSql({ by: "channel", id }, COLUMNS),
      () => scopeSql({ by: "author", id }, COLUMNS),
      () => scopeSql({ by: "author", id: "1", beforeId: id }, COLUMNS),
      () => scopeSql({ by: "age", beforeId: id }, COLUMNS),
    ];
    for (const place of places) expect(place).toThrow("not an id");
  });

  test.each(["x'", "by:a'b", "by:a b", "BY:a", "by:", "by:a\\", "by:a]"])("%j is no tag", (tag) => {
    expect(() => sql({ ...ALL, tags: [[tag]] })).toThrow("not a tag");
    expect(() => sql({ ...ALL, except: { tags: [tag] } })).toThrow("not a tag");
  });

  test("a name with a quote is none, nor is a run with one; a kind is one of two", () => {
    expect(() => sql({ ...ALL, authorNames: ["o'neill"] })).toThrow("not a tag");
    for (const id of ["", "run'", "a b", "x".repeat(101)]) expect(() => runSql(id)).toThrow("not a run id");
    expect(runSql("mib7k2x9-6789")).toBe("runId = 'mib7k2x9-6789'");
    expect(rangeSql("note", { newestId: "9", oldestId: "1" })).toBe("kind = 'note' AND id >= 1 AND id <= 9");
    expect(sql({ ...ALL, kinds: ["x' OR 'a'='a" as never] })).toBe(`${VISIBLE} AND kind IN ('message')`);
  });
});
