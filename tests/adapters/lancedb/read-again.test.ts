// A read that upkeep pulls the version away from is made once more, on the next one; nothing else is.

import { expect, test } from "vitest";
import { readAgain } from "../../../src/adapters/lancedb/read-again.ts";
import { callOf, decorateIndex, type IndexMethod, indexMethods } from "../../../src/ports/decorate-index.ts";
import { testSpace } from "../../support/index-store.ts";

const GONE = "lance error: Not found: /index/g1.lance/_versions/17.manifest, /lance-io/src/local.rs:100";
const methods = Object.keys(indexMethods) as IndexMethod[];
const isRead = (name: IndexMethod) => ["reads", "decides"].includes(indexMethods[name]);

/** An index whose calls fail so many times, and what happens to it. */
function failing(times: number, why = GONE) {
  const happened: string[] = [];
  let failures = 0;
  const index = decorateIndex({ space: testSpace, close: async () => {} }, (name) => async (...given) => {
    happened.push(`${name} ${given.join(" ")}`);
    failures += 1;
    if (failures <= times) throw new Error(why);
    return "answer";
  });
  return { happened, index: readAgain(index, async () => happened.push("moved on")) };
}

test.each(methods.filter(isRead))("%s is asked again, with the same, of the version after", async (name) => {
  const { happened, index } = failing(1);
  expect(await callOf(index, name)("these", "two")).toBe("answer");
  expect(happened).toEqual([`${name} these two`, "moved on", `${name} these two`]);
});

test.each(methods.filter((name) => !isRead(name)))("%s changes something, and is left to its caller", async (name) => {
  const { happened, index } = failing(1);
  await expect(callOf(index, name)("once")).rejects.toThrow("Not found");
  expect(happened).toEqual([`${name} once`]);
});

test("one that fails twice fails, and so does one that fails for another reason, at once", async () => {
  const twice = failing(2);
  await expect(twice.index.count()).rejects.toThrow("Not found");
  expect(twice.happened).toHaveLength(3);
  const other = failing(1, "Generic S3 error: HTTP error");
  await expect(other.index.count()).rejects.toThrow("HTTP error");
  expect(other.happened).toHaveLength(1);
});
