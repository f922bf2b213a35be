// The REST side: from an HTTP request to a handler and back, past faults, authorization, rate limits and validation.

import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { DiscordError, errors } from "./discord-error.ts";
import type { Fault } from "./faults.ts";
import type { RateLimits } from "./rate-limits.ts";
import { createRouter, type RestAnswer, type Route, type RouteMatch, type UploadedFile } from "./routes.ts";
import type { Validator, Violation } from "./validation.ts";

const API_PREFIX = /^\/api\/v10(?=\/)/;

/** A request as it was answered; for tests and the curious. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
  /** When it was answered, on the clock of `performance.now()`. */
  readonly at: number;
  /** The answer was a fault that somebody asked for. */
  readonly isFault: boolean;
}

export interface RestOptions {
  readonly token: string;
  readonly routes: readonly Route[];
  readonly rateLimits: RateLimits;
  readonly takeFaults: (request: string) => Fault[];
  readonly validator: Validator | undefined;
  readonly report: (violation: Violation) => void;
  readonly log: (request: LoggedRequest) => void;
}

export function createRest(
  options: RestOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const route = createRouter(options.routes);

  return async (request, response) => {
    const method = request.method ?? "GET";
    const url = new URL(request.url ?? "/", "http://stand-in");
    const path = url.pathname.replace(API_PREFIX, "");
    const raw = await readBody(request);
    const faults = options.takeFaults(`${method} ${path}`);
    const match = API_PREFIX.test(url.pathname) ? route(method, path) : undefined;
    const name = match ? `${method} ${match.route.path}` : `${method} ${path}`;

    let headers: Readonly<Record<string, string>> = {};
    let body: unknown;
    let answer: RestAnswer;
    try {
      if (faults.some(({ kind }) => kind === "reset")) return void request.socket.destroy();
      const early = earlyFault(faults);
      if (early) throw early;
      if (!match) {
        options.report({ where: "route", what: name, problem: "the stand-in has no such route" });
        throw new DiscordError(404, 0, "404: Not Found");
      }
      if (!match.route.usesPathToken && request.headers.authorization !== `Bot ${options.token}`)
        throw errors.unauthorized();
      const verdict = options.rateLimits.take(name, majorOf(match));
      headers = verdict.headers;
      if (verdict.retryAfterMs !== undefined) throw rateLimited(verdict.retryAfterMs, verdict.isGlobal ?? false);
      const parsed = await parseBody(raw, request.headers["content-type"]);
      body = parsed.body;
      options.validator?.request(name, body, url.searchParams);
      answer = match.route.handle({ param: (key) => match.params[key] ?? "", query: url.searchParams, ...parsed });
      if (faults.some((fault) => fault.kind === "fail" && fault.executed))
        throw earlyFault(faults, true) ?? new Error("unreachable");
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) {
        options.report({
          where: "answer",
          what: name,
          problem: `the stand-in failed: ${thrown instanceof Error ? thrown.stack : thrown}`,
        });
      }
      const error = thrown instanceof DiscordError ? thrown : new DiscordError(500, 0, "500: Internal Server Error");
      answer = { status: error.status, body: { message: error.message, code: error.code, ...error.details } };
      headers = { ...headers, ...rateLimitHeaders(error) };
    }
    const isFailed = faults.some(({ kind }) => kind === "fail");
    if (match && !isFailed) options.validator?.answer(name, answer.status, answer.body);
    const isFault = faults.some(({ kind }) => kind === "fail" || kind === "rate-limit");
    options.log({ method, path, status: answer.status, body, at: performance.now(), isFault });
    for (const fault of faults) if (fault.kind === "slow") await sleep(fault.delayMs, undefined, { ref: false });
    send(response, answer, headers);
  };
}

/** The error that faults make of a request; with `executed`, the one that comes after the work was done. */
function earlyFault(faults: readonly Fault[], executed = false): DiscordError | undefined {
  for (const fault of faults) {
    if (fault.kind === "fail" && fault.executed === executed)
      return new DiscordError(fault.status, 0, `${fault.status}: Server Error`);
    if (fault.kind === "rate-limit") return rateLimited(fault.retryAfterMs, fault.global);
  }
  return undefined;
}

function rateLimited(retryAfterMs: number, isGlobal: boolean): DiscordError {
  return new DiscordError(429, 0, "You are being rate limited.", {
    retry_after: retryAfterMs / 1000,
    global: isGlobal,
  });
}

function rateLimitHeaders(error: DiscordError): Record<string, string> {
  if (error.status !== 429) return {};
  const isGlobal = error.details.global === true;
  return {
    "Retry-After": String(error.details.retry_after),
    "X-RateLimit-Scope": isGlobal ? "global" : "user",
    ...(isGlobal ? { "X-RateLimit-Global": "true" } : {}),
  };
}

/** The id that gives a path a bucket of its own. Source: rate limits, "top-level resources". */
function majorOf({ params }: RouteMatch): string {
  return params.channel_id ?? params.guild_id ?? (params.webhook_id ? (params.webhook_token ?? "") : "");
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** @throws DiscordError 50109 for text that is not JSON */
async function parseBody(raw: Buffer, contentType = ""): Promise<{ body: unknown; files: UploadedFile[] }> {
  if (raw.length === 0) return { body: undefined, files: [] };
  if (!contentType.startsWith("multipart/form-data")) return { body: parseJson(raw.toString("utf8")), files: [] };
  const form = await new Response(new Uint8Array(raw), { headers: { "content-type": contentType } }).formData();
  const payload = form.get("payload_json");
  const files: UploadedFile[] = [];
  for (const [field, value] of form) {
    const index = /^files\[(\d+)\]$/.exec(field)?.[1];
    if (index === undefined || typeof value === "string") continue;
    files.push({
      index: Number(index),
      filename: value.name,
      data: new Uint8Array(await value.arrayBuffer()),
      ...(value.type && value.type !== "application/octet-stream" ? { contentType: value.type } : {}),
    });
  }
  return { body: typeof payload === "string" ? parseJson(payload) : undefined, files };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DiscordError(400, 50109, "The request body contains invalid JSON.");
  }
}

function send(response: ServerResponse, { status, body }: RestAnswer, headers: Readonly<Record<string, string>>): void {
  if (response.destroyed) return;
  const text = body === undefined ? undefined : JSON.stringify(body);
  response.writeHead(status, { ...headers, ...(text === undefined ? {} : { "Content-Type": "application/json" }) });
  response.end(text);
}
