import { describe, expect, it } from "vitest";
import { monthOf } from "../../../src/backfill/compare/survey.ts";
import { FIRST_SNOWFLAKE, LAST_SNOWFLAKE, snowflakeAt, snowflakeBefore } from "../../../src/snowflake.ts";

describe("the month of an id", () => {
  const february = snowflakeAt(Date.UTC(2024, 1, 1));
  const march = snowflakeAt(Date.UTC(2024, 2, 1));
  const known = [
    [FIRST_SNOWFLAKE, "2015-01"],
    [snowflakeBefore(february), "2024-01"],
    [february, "2024-02"],
    [snowflakeBefore(march), "2024-02"],
    [march, "2024-03"],
    [snowflakeAt(Date.UTC(2024, 11, 31, 23, 59)), "2024-12"],
    [snowflakeAt(Date.UTC(2025, 0, 1)), "2025-01"],
    [LAST_SNOWFLAKE, "2084-09"],
  ] as const;

  it("is that of the calendar in UTC, whatever was asked before", () => {
    for (const [before] of known) {
      for (const [id, month] of known) {
        monthOf(before);
        expect([id, monthOf(id)]).toEqual([id, month]);
      }
    }
  });
});
