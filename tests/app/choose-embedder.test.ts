import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { loadStaticModel } from "../../src/adapters/builtin-model/model.ts";
import { connectEmbedder } from "../../src/app/choose-embedder.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { open, serve } from "../support/openai-embedder.ts";

const builtinModel = await loadStaticModel(fileURLToPath(new URL("../../models/backscroll-static", import.meta.url)));

/** Time passes only while somebody sleeps. */
function sleepersClock(onSleep: (elapsedMs: number) => void): Clock {
  let elapsedMs = 0;
  return {
    now: () => elapsedMs,
    elapsed: () => elapsedMs,
    async sleep(ms) {
      elapsedMs += ms;
      onSleep(elapsedMs);
    },
  };
}

async function connecting(baseUrl: string, onSleep: (elapsedMs: number) => void = () => undefined) {
  const folder = await mkdtemp(join(tmpdir(), "backscroll-embedder-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const logged: { event: string; waitedMs: unknown }[] = [];
  const log = (event: string, fields: Record<string, unknown> = {}) => {
    logged.push({ event, waitedMs: fields["waitedMs"] });
  };
  const unreachable: string[] = [];
  const connect = async () => {
    const parts = {
      embeddings: { baseUrl, model: "test-embed", requestTimeoutMs: 2_000 },
      builtinModel,
      memoryFile: join(folder, "embedding-servers.json"),
      clock: sleepersClock(onSleep),
      logger: { debug: log, info: log, warn: log, error: log },
      onUnreachable: (reason: string) => unreachable.push(reason),
    };
    const connected = await connectEmbedder(parts, new AbortController().signal);
    if (connected === undefined) throw new Error("it was stopped");
    open.push(connected.embedder);
    return connected;
  };
  const waits = () => logged.filter(({ event }) => event.startsWith("embedder:wait"));
  return { connect, waits, unreachable };
}

it("waiting for a server is logged when it begins, every minute and when it ends", async () => {
  const server = await serve();
  const heal = server.misbehave({ status: 503 });
  const { connect, waits, unreachable } = await connecting(server.url, (elapsedMs) => {
    if (elapsedMs >= 130_000) heal();
  });
  expect((await connect()).isUp).toBe(true);
  expect(waits()).toEqual([
    { event: "embedder:waiting", waitedMs: 0 },
    { event: "embedder:waiting", waitedMs: 60_000 },
    { event: "embedder:waiting", waitedMs: 120_000 },
    { event: "embedder:waited", waitedMs: 130_000 },
  ]);
  expect(unreachable).toHaveLength(26);
});

it("a server that wants an hour's pause is asked once when it is over, and the log says all the while what is waited for", async () => {
  const server = await serve();
  server.misbehave({ status: 429, headers: { "retry-after": "3600" } }, { times: 1 });
  const { connect, waits, unreachable } = await connecting(server.url);
  await connect();
  // Two answers must agree on the model; the last two requests measure how alike unrelated texts are.
  expect(server.requests).toHaveLength(1 + 2 + 2);
  expect(waits()).toHaveLength(60 + 1);
  expect(waits().at(-1)).toEqual({ event: "embedder:waited", waitedMs: 3_600_000 });
  expect(unreachable).toEqual([expect.stringContaining("asks for a pause of 60 minutes.")]);
});

it("a server that has answered before is not waited for, nor negotiated with again", async () => {
  const server = await serve({ personality: "jina" });
  const { connect, waits } = await connecting(server.url);
  await connect();
  expect(server.requests).toHaveLength(2 * 3 + 2);
  const { unrelatedCosine } = (await connect()).embedder.space;
  expect(server.requests).toHaveLength(2 * 3 + 2 + 1);
  server.misbehave({ status: 503 });
  const { isUp, embedder } = await connect();
  expect(isUp).toBe(false);
  expect(waits()).toEqual([]);
  expect(unrelatedCosine).toBeLessThan(1);
  expect(embedder.space.unrelatedCosine).toBe(unrelatedCosine);
});
