import { describe, expect, it } from "vitest";
import { END_OF_CONTEXT, joinSearchText, splitSearchText } from "../src/content-hash.ts";
import { toFullText } from "../src/full-text.ts";

describe("search texts", () => {
  // What folding could join with what stands beside it, if there were no separator: marks, halves of a flag, signs of how an emoji is drawn.
  const parts = [
    "",
    "Ada: ",
    "it hums",
    "e",
    "\u0301tude",
    "ΆΛΦΑ",
    "🇩",
    "🇪",
    "👍",
    "\u{1f3fd}",
    "\ufe0f 1",
    "ํ",
    "า",
    "İstanbul",
    "ﬁ",
  ];

  it("are folded part by part as they are as a whole", () => {
    for (const context of parts) {
      for (const heading of parts) {
        for (const said of parts) {
          const own = heading === "" ? said : `${heading}\u2029${said}`;
          const whole = context === "" ? own : `${context}${END_OF_CONTEXT}${own}`;
          expect(joinSearchText(context, heading, said)).toBe(toFullText(whole));
        }
      }
    }
  });

  it("come apart again", () => {
    const text = joinSearchText("Is it loud?", "Ada: ", "It hums");
    expect(splitSearchText(text)).toEqual({ context: "Is it loud?", own: "Ada: It hums", said: "It hums" });
  });
});
