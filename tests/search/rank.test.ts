import { describe, expect, it } from "vitest";
import { preferNewer, type Scored } from "../../src/search/rank.ts";
import { snowflakeAt } from "../../src/snowflake.ts";
import { hit } from "../views/hits.ts";

const NEWEST = Date.UTC(2025, 5, 15);
const daysOld = (days: number) => snowflakeAt(NEWEST - days * 86_400_000);
const scored = (days: number, score: number): Scored => ({ row: hit({ id: daysOld(days) }).row, score });
const order = (...ranked: Scored[]) => preferNewer(ranked).map(({ row }) => row.id);

describe("newer messages preferred", () => {
  it("adds a tenth of the best score to the newest, and half of that for every 180 days it is older", () => {
    const gains = preferNewer([scored(0, 1), scored(180, 4), scored(360, 0)]);
    expect(gains.map(({ score }) => score.toFixed(6))).toEqual(["4.200000", "1.400000", "0.100000"]);
  });

  it("puts the newer first of matches about equally good, also when all of them are old", () => {
    expect(order(scored(700, 4), scored(0, 3.8))).toEqual([daysOld(0), daysOld(700)]);
    expect(order(scored(3_000, 4), scored(2_300, 3.8))).toEqual([daysOld(2_300), daysOld(3_000)]);
  });

  it("lifts nothing over what is better by more than a tenth of the best, however old that is", () => {
    expect(order(scored(5_000, 4), scored(0, 3.59))).toEqual([daysOld(5_000), daysOld(0)]);
    expect(order(scored(10, 4), scored(5_000, 1), scored(0, 0.59))).toEqual([daysOld(10), daysOld(5_000), daysOld(0)]);
  });

  it("leaves a few days' difference to the match", () => {
    expect(order(scored(7, 4), scored(0, 3.98))).toEqual([daysOld(7), daysOld(0)]);
  });

  it("makes nothing of nothing, and keeps candidates without a score newest first", () => {
    expect(preferNewer([])).toEqual([]);
    expect(order(scored(9, 0), scored(3, 0))).toEqual([daysOld(3), daysOld(9)]);
  });
});
