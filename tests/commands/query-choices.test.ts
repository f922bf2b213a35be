import { expect, test } from "vitest";
import { type Offered, queryChoices } from "../../src/commands/query-choices.ts";

const offered: Offered = {
  people: async () => ["Ada", "IRC: dave", "Cléo", "Adam"],
  channels: async () => ["general", "💬┃general-chat", "side talk"],
  dates: (typed) => ["yesterday", "a week ago", "2024-03"].filter((date) => date.startsWith(typed)),
};
const choices = (typed: string) => queryChoices(typed, offered);

test("what is typed comes first, so that Enter takes nothing else", async () => {
  for (const typed of ["brakes", "in", "from:a", "the day before", "from:"]) {
    expect((await choices(typed))[0]).toBe(typed);
  }
});

test("operators are offered from two letters on, and all of them before anything is typed", async () => {
  expect(await choices("brakes aut")).toEqual(["brakes aut", "brakes authortype:"]);
  expect(await choices("brakes -fro")).toEqual(["brakes -fro", "brakes -from:"]);
  expect(await choices("brakes f")).toEqual(["brakes f"]);
  expect(await choices("brakes ")).toEqual(["brakes"]);
  expect(await choices("")).toContain("from:");
});

test("people are offered by name, also who left and bridges, with quotes where they need them", async () => {
  expect(await choices("lathe from:")).toEqual([
    "lathe from:",
    "lathe from:me",
    "lathe from:Ada",
    'lathe from:"IRC: dave"',
    "lathe from:Cléo",
    "lathe from:Adam",
  ]);
  expect(await choices("FROM:@cle")).toEqual(["FROM:@cle", "FROM:Cléo"]);
  expect(await choices("mentions: dav")).toEqual(["mentions: dav", 'mentions: "IRC: dave"']);
  expect(await choices('by:"irc: d')).toEqual(['by:"irc: d', 'by:"IRC: dave"']);
  expect(await choices("from:ada,cl")).toEqual(["from:ada,cl", "from:ada,Cléo"]);
});

test("channels, dates and the values of other operators are offered as well", async () => {
  expect(await choices("lathe -in:gen")).toEqual(["lathe -in:gen", "lathe -in:general", "lathe -in:💬┃general-chat"]);
  expect(await choices("in:#side")).toEqual(["in:#side", 'in:"side talk"']);
  expect(await choices("after：a")).toEqual(["after：a", 'after："a week ago"']);
  expect(await choices("has:st")).toEqual(["has:st", "has:sticker"]);
  expect(await choices("from:ada pinned:")).toEqual([
    "from:ada pinned:",
    "from:ada pinned:true",
    "from:ada pinned:false",
  ]);
});

test("nothing is offered that Discord would not take", async () => {
  const long = "x".repeat(95);
  expect(await choices(`${long} has:`)).toEqual([`${long} has:`]);
  expect(await choices("x".repeat(101))).toEqual([]);
  const many = { ...offered, people: async () => Array.from({ length: 60 }, (_, n) => `person ${n}`) };
  expect(await queryChoices("from:p", many)).toHaveLength(25);
});
