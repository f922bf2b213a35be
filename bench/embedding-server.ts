// A process of its own that speaks /v1/embeddings like the servers of server-profiles.ts, each under its own path, with prepared
// vectors: what it costs is the waiting, the HTTP and the JSON, nothing else. Tells its port to whoever forked it.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { preparedVectors } from "../tests/support/pseudo-embedding.ts";
import { DIMENSIONS, MODEL, type ServerName, type ServerProfile, serverProfiles } from "./server-profiles.ts";

const base64Of = preparedVectors(DIMENSIONS);
const floatsByBase64 = new Map<string, string>();

function floatsOf(text: string): string {
  const base64 = base64Of(text);
  const known = floatsByBase64.get(base64);
  if (known !== undefined) return known;
  const bytes = Buffer.from(base64, "base64");
  const numbers = Array.from({ length: DIMENSIONS }, (_, i) => bytes.readFloatLE(i * 4).toFixed(8));
  const floats = `[${numbers.join(",")}]`;
  floatsByBase64.set(base64, floats);
  return floats;
}

/** Lets so many in at once. */
function createGate(parallel: number) {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return {
    async enter() {
      if (inside >= parallel) await new Promise<void>((resolve) => waiting.push(resolve));
      inside += 1;
    },
    leave() {
      inside -= 1;
      waiting.shift()?.();
    },
  };
}

function createModel(profile: ServerProfile) {
  const gate = createGate(profile.parallel);
  return async (request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.parse(await readText(request)) as { input: string | string[]; encoding_format?: string };
    const texts = typeof body.input === "string" ? [body.input] : body.input;
    await gate.enter();
    const ms = profile.fixedMs + profile.perTextMs * texts.length;
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    gate.leave();
    const floats = profile.floatsOnly || body.encoding_format !== "base64";
    const data = texts.map((text, index) => {
      const embedding = floats ? floatsOf(text) : `"${base64Of(text)}"`;
      return `{"object":"embedding","index":${index},"embedding":${embedding}}`;
    });
    const answer = `{"object":"list","model":"${MODEL}","data":[${data.join(",")}]}`;
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
    response.end(answer);
  };
}

const models = new Map(
  (Object.keys(serverProfiles) as ServerName[]).map((name) => [name as string, createModel(serverProfiles[name])]),
);

const server = createServer((request, response) => {
  const [, name = "", , route] = (request.url ?? "").split("/");
  const model = models.get(name);
  if (model === undefined || route !== "embeddings") return void response.writeHead(404).end();
  model(request, response).catch((thrown: unknown) => {
    console.error(thrown);
    response.destroy();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("disconnect", () => process.exit(0));
