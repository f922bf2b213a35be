// Stop anywhere, resume, edit and delete meanwhile: the index must end as if the archive had been embedded once, undisturbed.

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isBalanced } from "../../src/backfill/run/run.ts";
import { type EmbeddingServer, startEmbeddingServer } from "../support/embedding-server.ts";
import { channel, GUILD, type House, history, hoursAgo, message, openHouse, until } from "../support/engine.ts";

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
      let house = await openHouse({ folder, server, textsPerRequest: 8 });
      try {
        const records = history(RECORDS);
        await house.archive.save(GUILD, records, { pending: false });
        await house.start();
        for (const [position, each] of steps.entries()) house = await take(house, each, position);
        await finish(house);
        const run = await house.run();
        expect(run.status).toBe("succeeded");
        expect(run.phases.every(({ counters }) => isBalanced(counters))).toBe(true);
        expect(await house.archive.pending(GUILD, 10)).toEqual([]);
        const rows = await house.rows();
        await house.stop();
        expect(rows).toEqual(await embeddedAfresh(folder));
      } finally {
        await house.stop().catch(() => undefined);
      }

      async function take(house: House, step: Step, position: number): Promise<House> {
        const records = history(RECORDS);
        const at = (n: number) => records[n % RECORDS]?.id ?? "1";
        if (step.do === "edit" || step.do === "empty") {
          const content = step.do === "empty" ? "" : `revised at ${position}: ${"other words ".repeat(step.n % 9)}`;
          const id = at(step.n);
          const stored = (await house.archive.get(GUILD, "message", [id])).get(id);
          if (stored === undefined) return house;
          const { channelId } = stored.record;
          await house.live.messageSaved(GUILD, { ...stored.record, content, editedAt: Date.now() }, channel(channelId));
        } else if (step.do === "delete") {
          await house.live.messagesDeleted(GUILD, [at(step.n)]);
        } else if (step.do === "bulk-delete") {
          await house.live.messagesDeleted(
            GUILD,
            Array.from({ length: step.count }, (_, i) => at(step.n + i)),
          );
        } else if (step.do === "write") {
          const written = message(hoursAgo(0, position), `fresh ${"news ".repeat(step.words)}`, { channelId: "11" });
          await house.live.messageSaved(GUILD, written, channel("11"));
        } else if (step.do === "pause") {
          await house.engine.pause(GUILD, "the test");
          await house.engine.done(GUILD);
          await resume(house);
        } else if (step.do === "restart") {
          await house.stop();
          const next = await openHouse({ folder, server, textsPerRequest: 8 });
          next.live.kick(GUILD);
          await next.engine.recover(GUILD);
          return next;
        } else if (step.do === "outage") {
          server.misbehave({ status: 503 }, { times: 1 });
        } else {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return house;
      }
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
}, 120_000);

async function resume(house: House): Promise<void> {
  const status = await house.status();
  if (status === "paused" || status === "interrupted") await house.start();
}

async function finish(house: House): Promise<void> {
  await house.impatiently(async () => {
    await resume(house);
    await house.engine.done(GUILD);
    await until(async () => (await house.live.pending(GUILD)) === 0, "live indexing is done");
    await house.live.idle();
  });
}

/** What a first, undisturbed run makes of the archive as it is now. */
async function embeddedAfresh(folder: string): Promise<Map<string, object>> {
  const afresh = `${folder}-afresh`;
  await cp(folder, afresh, { recursive: true, filter: (path) => !path.includes(`${folder}/index`) });
  const house = await openHouse({ folder: afresh, server });
  try {
    const { value } = (await house.runStore.load(GUILD)) ?? {};
    if (value !== undefined) expect(value.status).toBe("succeeded");
    await house.start();
    await house.settled();
    return await house.rows();
  } finally {
    await house.stop();
  }
}
