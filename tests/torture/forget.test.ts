// Three hundred small worlds in which people write and take back, without kills; see forget.ts for those with.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Snowflake } from "../../src/snowflake.ts";
import { openSetup, type Setup, testEmbedder } from "../support/engine.ts";
import { compare, held, perform, settle } from "./forget-deeds.ts";
import { createForgetWorld } from "./forget-world.ts";
import { seeded } from "./seeded.ts";

const WORLDS = 300;
const DEEDS = 12;
const AT_ONCE = 12;

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup({ embedder: testEmbedder() });
});
afterAll(() => setup.close());

/** @returns what is wrong in it, if anything */
async function live(seed: number): Promise<object | undefined> {
  const guildId: Snowflake = String(800_000_000_000_000_000n + BigInt(seed));
  await setup.ownership.claim(guildId);
  const world = createForgetWorld(seeded(seed), Date.now() - 3_600_000, seed);
  const deeds = [];
  for (let n = 0; n < DEEDS; n += 1) {
    const deed = world.next();
    deeds.push(deed);
    await perform(setup, guildId, deed);
  }
  await settle(setup, guildId);
  const { stillFound, wronglyGone } = compare(world, await held(setup, guildId));
  return stillFound.length + wronglyGone.length === 0 ? undefined : { seed, stillFound, wronglyGone, deeds };
}

test("what was taken back is found nowhere, and nothing else is gone, in each of three hundred small worlds", async () => {
  const wrong: object[] = [];
  for (let first = 0; first < WORLDS; first += AT_ONCE) {
    const lives = Array.from({ length: AT_ONCE }, (_, n) => live(first + n));
    wrong.push(...(await Promise.all(lives)).filter((each) => each !== undefined));
  }
  expect(wrong).toEqual([]);
}, 240_000);
