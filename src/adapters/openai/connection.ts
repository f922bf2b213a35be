// The way to one OpenAI-compatible server through the official client: authorises, waits no longer than allowed, and lets through what
// servers say of their errors. Knows nothing of what is asked.

import OpenAI from "openai";
import { TransientError } from "../../errors.ts";
import type { ServerAddress } from "./address.ts";
import { CHECK_ADDRESS, errorInAnswer, type FaultContext, timedOut, translateFault } from "./faults.ts";
import { messageIn } from "./server-words.ts";

/** As long as a timer can be. */
const LONGEST_MS = 2 ** 31 - 1;

export interface ConnectionOptions {
  readonly address: ServerAddress;
  /** For messages, e.g. "The embedding server at localhost:1234". */
  readonly where: string;
  readonly apiKey: string | undefined;
  readonly requestTimeoutMs: number;
  readonly now: () => number;
}

/** An answer of status 200. */
export interface Received {
  /** JSON of unknown shape. */
  readonly body: unknown;
  readonly headers: Headers;
}

export interface Connection {
  /**
   * @param sent the texts in the body: not to be repeated to others
   * @param read makes something of the answer; what it throws is translated too
   * @throws TransientError, RejectedInputError, TooMuchAtOnceError, FieldRefusedError, the signal's reason
   */
  post<Result>(
    path: string,
    body: object,
    sent: readonly string[],
    read: (received: Received) => Result,
    signal?: AbortSignal,
  ): Promise<Result>;
  get<Result>(path: string, read: (received: Received) => Result, signal?: AbortSignal): Promise<Result>;
  /** Ends requests in flight. */
  close(): void;
}

export function createConnection({ address, where, apiKey, requestTimeoutMs, now }: ConnectionOptions): Connection {
  const isBearer = address.keyHeader === "authorization";
  const client = new OpenAI({
    baseURL: address.baseUrl,
    defaultQuery: { ...address.query },
    apiKey: apiKey ?? "none",
    // Left out, the client takes these from the environment; that is config.ts's to read.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    defaultHeaders: {
      ...(apiKey && isBearer ? {} : { Authorization: null }),
      ...(apiKey && !isBearer ? { [address.keyHeader]: apiKey } : {}),
    },
    logLevel: "off",
    maxRetries: 0,
    // Its own deadline does not know of sleep; the one below does, and covers the body too.
    timeout: LONGEST_MS,
    fetch: (url, init) => fetchTellingErrors(url, init, apiKey),
  });
  const closing = new AbortController();

  async function withDeadline<Result>(
    context: FaultContext,
    signal: AbortSignal | undefined,
    ask: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    closing.signal.throwIfAborted();
    const stop = new AbortController();
    const abort = () => stop.abort();
    const deadline = startDeadline(requestTimeoutMs, abort);
    signal?.addEventListener("abort", abort, { once: true });
    closing.signal.addEventListener("abort", abort, { once: true });
    try {
      return await ask(stop.signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      closing.signal.throwIfAborted();
      throw stop.signal.aborted ? timedOut(context, thrown) : translateFault(thrown, context);
    } finally {
      deadline.cancel();
      signal?.removeEventListener("abort", abort);
      closing.signal.removeEventListener("abort", abort);
    }
  }

  function received(body: unknown, headers: Headers, context: FaultContext): Received {
    if (typeof body === "string" && body.trimStart().startsWith("<")) {
      throw new TransientError(`${where} answers, but with a web page and not with JSON. ${CHECK_ADDRESS}`);
    }
    // Some servers forget the content type, ...
    const value: unknown = typeof body === "string" ? JSON.parse(body) : body;
    // ... others answer 200 with an error inside.
    const { data } = (value ?? {}) as { data?: unknown };
    const says = Array.isArray(data) && data.length > 0 ? undefined : messageIn(value);
    if (says) throw errorInAnswer(redact(says, apiKey), context);
    return { body: value, headers };
  }

  const contextOf = (sent?: readonly string[]): FaultContext => ({
    where,
    timeoutMs: requestTimeoutMs,
    now,
    ...(sent === undefined ? {} : { sent }),
  });

  return {
    post(path, body, sent, read, signal) {
      const context = contextOf(sent);
      return withDeadline(context, signal, async (stop) => {
        // Not the client's own method for embeddings: that one adds an encoding_format where it is left out.
        const { data, response } = await client.post<unknown>(path, { body, signal: stop }).withResponse();
        return read(received(data, response.headers, context));
      });
    },
    get(path, read, signal) {
      const context = contextOf();
      return withDeadline(context, signal, async (stop) => {
        const { data, response } = await client.get<unknown>(path, { signal: stop }).withResponse();
        return read(received(data, response.headers, context));
      });
    },
    close() {
      closing.abort(new Error(`${where} is no longer used: the embedder is closed`));
    },
  };
}

/** A timer that is as late as this has slept, with the process or its machine. */
const LATE_MS = 1_000;

/** The answer may have come while nobody was awake to hear it: after a sleep the time begins anew. */
function startDeadline(ms: number, passed: () => void): { cancel(): void } {
  let timer: NodeJS.Timeout;
  const start = () => {
    const dueMs = performance.now() + ms;
    timer = setTimeout(() => (performance.now() - dueMs > LATE_MS ? start() : passed()), ms);
  };
  start();
  return { cancel: () => clearTimeout(timer) };
}

/**
 * The client understands errors of the form {error: {message}} only, and would drop what LM Studio ({error: "..."}), vLLM
 * ({message}) or FastAPI ({detail}) say. Only the message itself goes on: the rest may repeat the texts that were sent, or the key.
 */
async function fetchTellingErrors(
  url: string | URL | Request,
  init: RequestInit | undefined,
  apiKey: string | undefined,
) {
  const response = await fetch(url, init);
  if (response.ok) return response;
  const text = await response.text();
  const message = redact(messageIn(parseOrKeep(text)) ?? "", apiKey);
  const headers = new Headers(response.headers);
  for (const name of ["content-length", "content-encoding"]) headers.delete(name);
  return new Response(JSON.stringify({ error: { message } }), { status: response.status, headers });
}

function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: a proxy's page, shown without its markup.
    return { message: text.replace(/<(style|script|head)[\s\S]*?<\/\1>|<[^>]*>/gi, " ") };
  }
}

function redact(text: string, apiKey: string | undefined): string {
  const safe = apiKey ? text.replaceAll(apiKey, "[key]") : text;
  return safe.replace(/\s+/g, " ").trim().slice(0, 300);
}
