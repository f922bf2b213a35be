// The process of one task: `child.ts NAME`, its options, events and result go over the IPC channel.

import type { Task, TaskLine } from "./task.ts";

type Said = { readonly event: string; readonly facts: Record<string, unknown> };

const [, , name] = process.argv;
const heard: Said[] = [];
let listener: ((said: Said) => void) | undefined;
process.on("message", (said: Said) => {
  if (listener === undefined) heard.push(said);
  else listener(said);
  listener = undefined;
});
process.on("disconnect", () => process.exit(1));

const send = (event: string, facts: object) =>
  new Promise<void>((resolve) => process.send?.({ event, facts }, () => resolve()));

const line: TaskLine = {
  say: (event, facts = {}) => void send(event, facts),
  hear() {
    const next = heard.shift();
    if (next !== undefined) return Promise.resolve(next);
    return new Promise((resolve) => {
      listener = resolve;
    });
  },
};

const { run } = (await import(`./tasks/${name}.ts`)) as { run: Task<unknown, object> };
const { facts } = await line.hear();
try {
  await send("result", await run(facts, line));
  process.exit(0);
} catch (thrown) {
  await send("failed", { reason: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) });
  process.exit(1);
}
