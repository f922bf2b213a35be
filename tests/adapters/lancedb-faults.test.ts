// LanceDB's errors, in its own words, and what they become: whether they are tried again, and how loudly they are logged.

import { expect, test } from "vitest";
import { commit } from "../../src/adapters/lancedb/commit.ts";
import { translate } from "../../src/adapters/lancedb/faults.ts";
import { levelOf } from "../../src/errors.ts";

const CONFLICT =
  "lance error: Retryable commit conflict for version 1711: This Rewrite transaction was preempted by concurrent transaction Delete at version 1711. Please retry., /usr/local/cargo/registry/src/lance-12.0.0/src/io/commit/conflict_resolver.rs:969:34";

test.each<[says: string, level: "warn" | "error", becomes: RegExp]>([
  [CONFLICT, "warn", /got in between/],
  ["Commit conflict for version 4: concurrent commit", "warn", /got in between/],
  ["LanceError(IO): No space left on device (os error 28)", "warn", /disk .* is full/],
  ["Generic S3 error: Error performing PUT http://s3/x in 3s: connection refused", "warn", /cannot be reached/],
  ["Generic S3 error: status: 403 Forbidden", "error", /refuses the bot/],
  ["LanceError(IO): Permission denied (os error 13)", "error", /read-only/],
  ["Schema error: no column named x", "error", /no column/],
])("%j is logged at %s", (says, level, becomes) => {
  const translated = translate(new Error(says));
  expect(levelOf(translated)).toBe(level);
  expect(translated.message).toMatch(becomes);
});

test("a change that another one got ahead of is made anew on the newest version, eight times at most", async () => {
  for (const refusals of [0, 3, 7, 8]) {
    let [attempts, looks] = [0, 0];
    const table = {
      async checkoutLatest() {
        looks += 1;
      },
    };
    const changing = commit(table as unknown as Parameters<typeof commit>[0], async () => {
      attempts += 1;
      if (attempts <= refusals) throw new Error(CONFLICT);
      return "done";
    });
    if (refusals < 8) expect(await changing).toBe("done");
    else await expect(changing).rejects.toThrow("Retryable");
    expect([attempts, looks]).toEqual([Math.min(8, refusals + 1), Math.min(7, refusals)]);
  }
});

test("what no other change has caused is not made a second time", async () => {
  let attempts = 0;
  const changing = commit(undefined, async () => {
    attempts += 1;
    throw new Error("No space left on device (os error 28)");
  });
  await expect(changing).rejects.toThrow("No space");
  expect(attempts).toBe(1);
});
