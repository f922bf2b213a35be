// The optional port, asked over real HTTP, of a bot that works against the stand-in.

import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createMetrics, type Figures } from "../../src/adapters/prometheus/metrics.ts";
import { serveHealth } from "../../src/adapters/prometheus/server.ts";
import { RejectedInputError, TransientError } from "../../src/errors.ts";
import type { Embedder } from "../../src/ports/embedder.ts";
import type { Logger } from "../../src/ports/logger.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const figures: Figures = {
  ready: true,
  connected: true,
  guildCount: 0,
  guilds: [],
  spending: undefined,
  diskFreeBytes: 12e9,
  memoryUsedBytes: 1e9,
  memoryLimitBytes: 4e9,
};

async function serve(look: () => Promise<Figures>, health: () => { ok: boolean } = () => ({ ok: true })) {
  const metrics = createMetrics(look);
  const server = await serveHealth({ health, metrics: metrics.read }, { port: 0, host: "127.0.0.1" }, silent);
  onTestFinished(() => server.close());
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { metrics, server, get };
}

/** The samples of one metric, by their labels. */
async function samplesOf(text: string, name: string): Promise<Record<string, number>> {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => [line.slice(name.length, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
}

test("health is 200 or 503 with the facts as JSON, metrics are in Prometheus' text format, and nothing else is there", async () => {
  let ok = true;
  const { get } = await serve(
    async () => figures,
    () => ({ ok }),
  );
  const healthy = await get("/health?verbose");
  expect([healthy.status, await healthy.json()]).toEqual([200, { ok: true }]);
  ok = false;
  const unhealthy = await get("/health");
  expect([unhealthy.status, await unhealthy.json()]).toEqual([503, { ok: false }]);
  const metrics = await get("/metrics");
  expect(metrics.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  const text = await metrics.text();
  expect(await samplesOf(text, "backscroll_disk_free_bytes")).toEqual({ "": 12e9 });
  expect(text).toContain("nodejs_eventloop_lag_p99_seconds");
  expect((await get("/")).status).toBe(404);
  expect((await get("/metrics", { method: "POST", body: "x" })).status).toBe(405);
});

test("figures of each server are labelled, and what has ended is gone at the next reading", async () => {
  const run = { status: "running", records: { embedded: 70, remaining: 30 }, recordsPerSecond: 12 };
  let guilds: Figures["guilds"] = [{ guildId: "77", pending: 3, setAside: 1, alerts: ["disk-low"], run }];
  const { get } = await serve(async () => ({ ...figures, guilds }));
  const before = await (await get("/metrics")).text();
  expect(await samplesOf(before, "backscroll_backfill_messages")).toEqual({
    '{guild="77",outcome="embedded"}': 70,
    '{guild="77",outcome="remaining"}': 30,
  });
  expect(await samplesOf(before, "backscroll_alert_active")).toEqual({ '{guild="77",alert="disk-low"}': 1 });
  expect(await samplesOf(before, "backscroll_backfill_status")).toEqual({ '{guild="77",status="running"}': 1 });
  guilds = [{ guildId: "77", pending: 0, setAside: 0, alerts: [], run: { ...run, status: "paused" } }];
  const after = await (await get("/metrics")).text();
  expect(await samplesOf(after, "backscroll_alert_active")).toEqual({});
  expect(await samplesOf(after, "backscroll_backfill_status")).toEqual({ '{guild="77",status="paused"}': 1 });
});

test("an embedder is the same when measured, and its requests are counted by outcome", async () => {
  const outcomes = [undefined, new TransientError("down"), new RejectedInputError("no"), undefined];
  const embedder: Embedder = {
    space: { modelId: "m", dimensions: 2, fingerprint: "m-2" },
    limits: { textsPerRequest: 4, tokensPerText: 8, tokensPerRequest: 16, parallelRequests: 1 },
    async embed(texts, _use, _signal, onReceipt) {
      const thrown = outcomes.shift();
      if (thrown) throw thrown;
      onReceipt?.({ tokens: 7 * texts.length, quotas: {} });
      return texts.map(() => new Float32Array(2));
    },
    close: async () => undefined,
  };
  const { metrics, get } = await serve(async () => figures);
  const up = async () => (await samplesOf(await (await get("/metrics")).text(), "backscroll_embedder_up"))[""];
  metrics.measured(embedder, false);
  expect(await up()).toBe(0);
  const measured = metrics.measured(embedder, true);
  expect(await up()).toBe(1);
  expect([measured.space, measured.limits]).toEqual([embedder.space, embedder.limits]);
  expect(await measured.embed(["a", "b"], "document")).toHaveLength(2);
  expect(await up()).toBe(1);
  await expect(measured.embed(["a"], "document")).rejects.toThrow("down");
  expect(await up()).toBe(0);
  await expect(measured.embed(["a"], "query")).rejects.toThrow("no");
  expect(await up()).toBe(1);
  await metrics.timeSearch(async () => undefined);
  const text = await (await get("/metrics")).text();
  expect(await samplesOf(text, "backscroll_embedding_request_seconds_count")).toEqual({
    '{use="document",outcome="answered"}': 1,
    '{use="document",outcome="unanswered"}': 1,
    '{use="query",outcome="refused"}': 1,
  });
  expect(await samplesOf(text, "backscroll_embedded_texts_total")).toEqual({ '{use="document"}': 2 });
  expect(await samplesOf(text, "backscroll_embedded_tokens_total")).toEqual({ '{use="document"}': 14 });
  expect(await samplesOf(text, "backscroll_search_seconds_count")).toEqual({ "": 1 });
});

test("figures that cannot be read are a 500 without the reason, and the server goes on", async () => {
  let broken = true;
  const { get } = await serve(async () => {
    if (broken) throw new Error("secret path /home/me");
    return figures;
  });
  const response = await get("/metrics");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("secret");
  broken = false;
  expect((await get("/metrics")).status).toBe(200);
});

test("a port that is taken is a UserError that names the setting; closing ends connections that are kept alive", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const address = other.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const pages = { health: () => ({ ok: true }), metrics: async () => ({ contentType: "text/plain", text: "" }) };
  await expect(serveHealth(pages, { port, host: "127.0.0.1" }, silent)).rejects.toThrow(/HEALTH_PORT/);
  const { get, server } = await serve(async () => figures);
  await get("/health");
  await server.close();
  await expect(get("/health")).rejects.toThrow();
});
