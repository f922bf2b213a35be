import { describe, expect, it } from "vitest";
import { afterDate, beforeDate, dateChoices } from "../../src/commands/dates.ts";
import { snowflakeTime } from "../../src/snowflake.ts";

const since = Date.UTC(2023, 10, 30);
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
    ["last month", "2025-02-01T00:00"],
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

it("is asked back about when it could be two", () => {
  expect(() => afterDate("5m", now)).toThrow("5 minutes or 5 months?");
  expect(() => beforeDate("03/04/2025", now)).toThrow("3 April or 4 March 2025?");
});

describe("while a date is being typed", () => {
  const offered = (typed: string) => dateChoices(typed, now, since).map(({ name }) => name);

  it("ages, the latest months and the years of the server are offered", () => {
    const months = ["March 2025", "February 2025", "January 2025", "December 2024"];
    const all = offered("");
    expect(all.slice(0, 9)).toEqual(["today", "yesterday", "a week ago", "a month ago", "3 months ago", ...months]);
    expect(all.slice(-4)).toEqual(["April 2024", "2025", "2024", "2023"]);
  });

  it.each([
    ["nov", ["nov (2024-11-01 to 2024-11-30)", "November 2024", "November 2023"]],
    ["2023-1", ["2023-1 (2023-01-01 to 2023-01-31)", "December 2023", "November 2023"]],
    ["2023-12", ["December 2023"]],
    ["1.3.2025", ["1.3.2025 (2025-03-01)"]],
    ["Yester", ["yesterday"]],
    ["2h", ["2h (2025-03-20 13:30 UTC)"]],
    ["lunch", []],
    ["2".repeat(3_000), []],
  ])("what fits is offered, and first what it means as it stands (%.10j)", (typed, expected) => {
    expect(offered(typed)).toEqual(expected);
  });

  it("all that is offered can be read, and is as much as Discord takes", () => {
    for (const typed of ["", "2", "a", "m", " MARCH "]) {
      const choices = dateChoices(typed, now, Date.UTC(2015, 0, 1));
      expect(choices.length).toBeLessThanOrEqual(25);
      expect(new Set(choices.map(({ value }) => value)).size).toBe(choices.length);
      for (const { value } of choices) expect(() => beforeDate(value, now)).not.toThrow();
    }
  });
});
