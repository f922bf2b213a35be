import { expect, test } from "vitest";
import { createGroup } from "../../src/async/group.ts";

function work() {
  let [end, fail] = [() => {}, (_: Error) => {}];
  const done = new Promise<void>((resolve, reject) => {
    [end, fail] = [resolve, reject];
  });
  return { done, end, fail };
}
const soon = () => new Promise((resolve) => setImmediate(resolve));

test("a group is done when all are, also those that came meanwhile", async () => {
  const group = createGroup();
  await group.done();
  const [first, second] = [work(), work()];
  group.add(first.done);
  let isDone = false;
  const waiting = group.done().then(() => {
    isDone = true;
  });
  await soon();
  group.add(second.done);
  first.end();
  await soon();
  expect(isDone).toBe(false);
  second.end();
  await waiting;
});

test("a failure is told to whoever waits, and to nobody once it is over", async () => {
  const group = createGroup();
  const [bad, worse] = [work(), work()];
  group.add(bad.done);
  const waiting = expect(group.done()).rejects.toThrow("no space");
  bad.fail(new Error("no space"));
  await waiting;
  group.add(worse.done);
  worse.fail(new Error("nobody waits"));
  await soon();
  await group.done();
});
