// An object store on this machine's loopback that stands before the real one: whatever never changes is fetched once, in blocks, and read
// from the disk from then on; all else is passed on as it is. LanceDB reads rows and indexes in hundreds of small pieces a search.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type CachedObjects, Refused } from "./cached-objects.ts";
import { endToEnd, type Upstream } from "./upstream.ts";

/** LanceDB gives these files names of their own, and never writes one again. Versions are not among them: a table made anew has the same. */
const UNCHANGING = /\.lance\/(data|_indices|_deletions)\/[^?]+$/;
/** Of an object, in memory at once. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** @param secret the first part of each path: others on this machine may not read what the keys can */
export function createCachingServer(upstream: Upstream, objects: CachedObjects, secret: string): Server {
  async function passOn(request: IncomingMessage, path: string, response: ServerResponse): Promise<void> {
    const { method = "GET", headers } = request;
    const body = method === "GET" || method === "HEAD" ? undefined : await buffer(request);
    await relay(await upstream.send({ method, path, headers, ...(body && { body }) }), response);
  }

  async function* piecesOf(path: string, start: number, end: number): AsyncGenerator<Buffer, void> {
    for (let at = start; at < end; at += PIECE_BYTES)
      yield* await objects.read(path, at, Math.min(end, at + PIECE_BYTES));
  }

  async function answer(request: IncomingMessage, path: string, response: ServerResponse): Promise<void> {
    const facts = await objects.facts(path);
    const range = rangeOf(request.headers.range, facts.size);
    const common = { ...facts.headers, "accept-ranges": "bytes" };
    if (request.method === "HEAD") {
      response.writeHead(200, { ...common, "content-length": facts.size }).end();
      return;
    }
    const { start, end } = range ?? { start: 0, end: facts.size };
    // Before anything is said: what is gone from the store is answered as the store does.
    const first = await objects.read(path, start, Math.min(end, start + PIECE_BYTES));
    response.writeHead(range ? 206 : 200, {
      ...common,
      "content-length": end - start,
      ...(range && { "content-range": `bytes ${start}-${end - 1}/${facts.size}` }),
    });
    for (const piece of first) response.write(piece);
    if (end - start <= PIECE_BYTES) response.end();
    else await pipeline(piecesOf(path, start + PIECE_BYTES, end), response);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, given, ...rest] = (request.url ?? "").split("/");
    if (given !== secret) {
      response.writeHead(403).end();
      return;
    }
    const path = `/${rest.join("/")}`;
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (isRead && UNCHANGING.test(path)) await answer(request, path, response);
    else await passOn(request, path, response);
  }

  return createServer((request, response) => {
    // Whoever asked has gone.
    response.on("error", () => undefined);
    handle(request, response).catch(async (thrown: unknown) => {
      // As if the store itself were not there: whoever asked knows what to do then.
      if (thrown instanceof Refused && !response.headersSent)
        await relay(thrown.answer, response).catch(() => undefined);
      else response.destroy();
    });
  });
}

async function relay(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const length = answer.headers["content-length"];
  response.writeHead(answer.statusCode ?? 502, {
    ...Object.fromEntries(endToEnd(answer.headers)),
    ...(length !== undefined && { "content-length": length }),
  });
  await pipeline(answer, response);
}

/** What a "range" header asks for; undefined: all of it. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") return { start: Math.max(0, size - Number(to)), end: size };
  return { start: Number(from), end: to === "" ? size : Math.min(size, Number(to) + 1) };
}
