// Stop anywhere, resume, edit and delete meanwhile: the index must end as if the archive had been embedded once, undisturbed.

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isBalanced } from "../../src/backfill/run/run.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { channel, GUILD, history, hoursAgo, message, openSetup, type Setup, until } from "../support/engine.ts";

const RECORDS = 240;
const SEED = 7;
const RUNS = 5;

let server: EmbeddingServer;
let base: string;
beforeAll(async () => {
  server = await startEmbeddingServer({ dimensions: 16, latencyMs: 2 });
  base = await mkdtemp(join(tmpdir(), "backscroll-races-"));
});
afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true, force: true });
});

type Step =
  | { readonly do: "edit" | "empty" | "delete"; readonly n: number }
  | { readonly do: "bulk-delete"; readonly n: number; readonly count: number }
  | { readonly do: "write"; readonly words: number }
  | { readonly do: "pause" | "restart" | "outage" | "breathe" };

const place = fc.nat({ max: RECORDS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("edit", "delete", "edit", "empty"), n: place }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("bulk-delete"), n: place, count: fc.integer({ min: 2, max: 30 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("write"), words: fc.integer({ min: 0, max: 700 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("pause", "restart", "outage", "breathe") }) },
);

test("whatever is edited, deleted, written, paused, restarted or down during a run, the index ends as if nothing had been", async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      round += 1;
      const folder = join(base, `round-${round}`);
      let setup = await openSetup({ folder, server, textsPerRequest: 8 });
      try {
        const records = history(RECORDS);
        await setup.archive.save(GUILD, records, { pending: false });
        await setup.start();
        for (const [position, each] of steps.entries()) setup = await take(setup, each, position);
        await finish(setup);
        const run = await setup.run();
        expect(run.status).toBe("succeeded");
        expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
        expect(await setup.archive.pending(GUILD, 10)).toEqual([]);
        const rows = await setup.rows();
        await setup.stop();
        expect(rows).toEqual(await embeddedAfresh(folder));
      } finally {
        await setup.stop().catch(() => undefined);
      }

      async function take(setup: Setup, step: Step, position: number): Promise<Setup> {
        const records = history(RECORDS);
        const at = (n: number) => records[n % RECORDS]?.id ?? "1";
        if (step.do === "edit" || step.do === "empty") {
          const content = step.do === "empty" ? "" : `revised at ${position}: ${"other words ".repeat(step.n % 9)}`;
          const id = at(step.n);
          const stored = (await setup.archive.get(GUILD, "message", [id])).get(id);
          if (stored === undefined) return setup;
          const { channelId } = stored.record;
          await setup.live.messageSaved(GUILD, { ...stored.record, content, editedAt: Date.now() }, channel(channelId));
        } else if (step.do === "delete") {
          await setup.live.messagesDeleted(GUILD, [at(step.n)]);
        } else if (step.do === "bulk-delete") {
          await setup.live.messagesDeleted(
            GUILD,
            Array.from({ length: step.count }, (_, i) => at(step.n + i)),
          );
        } else if (step.do === "write") {
          const written = message(hoursAgo(0, position), `fresh ${"news ".repeat(step.words)}`, { channelId: "11" });
          await setup.live.messageSaved(GUILD, written, channel("11"));
        } else if (step.do === "pause") {
          await setup.engine.pause(GUILD, "the test");
          await setup.engine.done(GUILD);
          await resume(setup);
        } else if (step.do === "restart") {
          await setup.stop();
          const next = await openSetup({ folder, server, textsPerRequest: 8 });
          next.live.kick(GUILD);
          await next.engine.recover(GUILD);
          return next;
        } else if (step.do === "outage") {
          server.misbehave({ status: 503 }, { times: 1 });
        } else {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return setup;
      }
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
}, 120_000);

async function resume(setup: Setup): Promise<void> {
  const status = await setup.status();
  if (status === "paused" || status === "interrupted") await setup.start();
}

async function finish(setup: Setup): Promise<void> {
  await setup.impatiently(async () => {
    await resume(setup);
    await setup.engine.done(GUILD);
    await until(async () => (await setup.live.pending(GUILD)) === 0, "live indexing is done");
    await setup.live.idle();
  });
}

/** What a first, undisturbed run makes of the archive as it is now. */
async function embeddedAfresh(folder: string): Promise<Map<string, object>> {
  const afresh = `${folder}-afresh`;
  await cp(folder, afresh, { recursive: true, filter: (path) => !path.includes(`${folder}/index`) });
  const setup = await openSetup({ folder: afresh, server });
  try {
    const { value } = (await setup.runStore.load(GUILD)) ?? {};
    if (value !== undefined) expect(value.status).toBe("succeeded");
    await setup.start();
    await setup.settled();
    return await setup.rows();
  } finally {
    await setup.stop();
  }
}
