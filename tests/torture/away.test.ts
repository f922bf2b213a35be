// The small version of `npm run torture -- --away`: see away.ts.

import { expect, test } from "vitest";
import { tortureAway } from "./away.ts";

test("a bot that is stopped and killed while things happen on its server misses nothing of it, and brings nothing back", async () => {
  const outcome = await tortureAway({ stops: 2, kills: 4, seed: 20_261_130 });
  expect(outcome).toMatchObject({ stops: 2, kills: 4, missing: 0, resurrected: 0, outdated: 0, differingRows: 0 });
  expect(outcome.messages).toBeGreaterThan(20);
}, 600_000);
