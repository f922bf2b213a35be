import { expect, test } from "vitest";
import { createBackground } from "../../src/async/background.ts";

test("work that nobody awaits is settled with all the rest, and its failure is told, with what it was about", async () => {
  const told: string[] = [];
  const { run, settled } = createBackground((subject, thrown) => told.push(`${subject}: ${(thrown as Error).message}`));
  let end: () => void = () => {};
  run(
    "slow",
    new Promise<void>((resolve) => {
      end = resolve;
    }),
  );
  run("bad", Promise.reject(new Error("no such channel")));
  run("nothing", undefined);
  let isSettled = false;
  const settling = settled().then(() => {
    isSettled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect([told, isSettled]).toEqual([["bad: no such channel"], false]);
  end();
  await settling;
  await settled();
});
