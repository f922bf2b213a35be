import { expect, test } from "vitest";
import { TransientError, UserError } from "../../src/errors.ts";
import type { History } from "../../src/ports/discord.ts";
import { fetchChannels } from "../../src/sync/fetch-history.ts";
import { rememberingLogger } from "../support/runs.ts";

function asking(failures: readonly Error[], onSleep: () => void = () => {}) {
  const waits: number[] = [];
  const stop = new AbortController();
  let asked = 0;
  const channels = async () => {
    const failure = failures[asked];
    asked += 1;
    if (failure !== undefined) throw failure;
    return [];
  };
  const clock = {
    now: () => 0,
    elapsed: () => 0,
    async sleep(ms: number) {
      waits.push(ms);
      onSleep();
    },
  };
  const parts = { history: { channels } as unknown as History, clock, logger: rememberingLogger().logger };
  return { waits, stop, asked: () => asked, fetch: () => fetchChannels(parts, "1", stop.signal) };
}

test("an outage is waited out, with pauses that double up to a minute", async () => {
  const { fetch, waits } = asking(Array(7).fill(new TransientError("down")));
  expect(await fetch()).toEqual([]);
  expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test("a pause that Discord asks for is kept, even none, and one of our own after it is as long as it would have been", async () => {
  const told = (retryAfterMs: number) => new TransientError("busy", { retryAfterMs });
  const { fetch, waits } = asking([told(90_000), told(0), new TransientError("down")]);
  await fetch();
  expect(waits).toEqual([90_000, 0, 8_000]);
});

test("what does not pass by itself is not asked again", async () => {
  const { fetch, waits, asked } = asking([new UserError("not readable")]);
  await expect(fetch()).rejects.toThrow("not readable");
  expect([waits, asked()]).toEqual([[], 1]);
});

test("who is to stop gets the last failure, instead of another pause", async () => {
  const { fetch, stop, waits } = asking([new TransientError("first"), new TransientError("second")], () =>
    stop.abort(),
  );
  await expect(fetch()).rejects.toThrow("second");
  expect(waits).toEqual([2_000]);
});
