import { describe, expect, it } from "vitest";
import { afterDate, beforeDate } from "../../src/commands/dates.ts";
import { snowflakeTime } from "../../src/snowflake.ts";

const now = Date.UTC(2025, 2, 20, 15, 30);
const shown = (id: string) => new Date(snowflakeTime(id)).toISOString().slice(0, 16);

describe("a date in an option", () => {
  it.each([
    ["2025-03-01", "2025-03-01T00:00"],
    ["2025/3/1", "2025-03-01T00:00"],
    [" 2025-03 ", "2025-03-01T00:00"],
    ["2024", "2024-01-01T00:00"],
    ["Yesterday", "2025-03-19T00:00"],
    ["today", "2025-03-20T00:00"],
    ["3 weeks ago", "2025-02-27T15:30"],
    ["a week ago", "2025-03-13T15:30"],
    ["last month", "2025-02-18T15:30"],
    ["2 hours ago", "2025-03-20T13:30"],
    ["1 day ago", "2025-03-19T15:30"],
    ["7d", "2025-03-13T15:30"],
  ])("may be written as %j", (typed, expected) => {
    expect(shown(beforeDate(typed, now))).toBe(expected);
  });

  it("ends before the day, month or moment named begins again when it is a lower bound", () => {
    expect(shown(afterDate("2025-03-01", now))).toBe("2025-03-01T23:59");
    expect(shown(afterDate("3 weeks ago", now))).toBe("2025-02-27T15:29");
  });

  it.each(["", "soon", "2025-02-31", "the other day", "after:2025", "99999 weeks ago"])(
    "is refused with examples when it is none (%j)",
    (typed) => {
      expect(() => afterDate(typed, now)).toThrow("Write it like 2025-03-01");
      expect(() => beforeDate(typed, now)).toThrow("Write it like 2025-03-01");
    },
  );
});
