// One OpenAI-compatible server through the official client: sends, waits no longer than allowed, translates what goes wrong.

import OpenAI from "openai";
import { RejectedInputError } from "../../errors.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { EncodingRefusedError, errorInAnswer, type FaultContext, timedOut, translateFault } from "./faults.ts";

/** As long as a timer can be. */
const LONGEST_MS = 2 ** 31 - 1;

export interface ServerOptions {
  readonly baseUrl: string;
  readonly where: string;
  readonly apiKey: string | undefined;
  /** Asks the server for shorter vectors, where the model allows it. */
  readonly dimensions: number | undefined;
  readonly requestTimeoutMs: number;
  readonly now: () => number;
}

export interface Server {
  /** @throws TransientError, RejectedInputError, TooManyTextsError, the signal's reason */
  embeddings(model: string, texts: readonly string[], signal?: AbortSignal): Promise<Answer>;
  /** Names of the models it offers. */
  modelNames(signal?: AbortSignal): Promise<string[]>;
  /** Ends requests in flight. */
  close(): void;
}

export function createServer(options: ServerOptions): Server {
  const { apiKey, where } = options;
  const client = new OpenAI({
    baseURL: options.baseUrl,
    apiKey: apiKey ?? "none",
    // Left out, the client takes these from the environment; that is config.ts's to read.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    defaultHeaders: apiKey ? {} : { Authorization: null },
    logLevel: "off",
    maxRetries: 0,
    // Its own deadline does not know of sleep; the one below does, and covers the body too.
    timeout: LONGEST_MS,
    fetch: (url, init) => fetchTellingErrors(url, init, apiKey),
  });
  const context: FaultContext = { where, timeoutMs: options.requestTimeoutMs, now: options.now };
  const closing = new AbortController();
  /** Asked for until the server shows that it cannot: a third of the bytes, and no numbers to parse. */
  let encoding: "base64" | "float" = "base64";

  async function withDeadline<T>(
    signal: AbortSignal | undefined,
    ask: (signal: AbortSignal) => Promise<T>,
    sent: readonly string[] = [],
  ): Promise<T> {
    signal?.throwIfAborted();
    closing.signal.throwIfAborted();
    const stop = new AbortController();
    const abort = () => stop.abort();
    const deadline = startDeadline(options.requestTimeoutMs, abort);
    signal?.addEventListener("abort", abort, { once: true });
    closing.signal.addEventListener("abort", abort, { once: true });
    try {
      return await ask(stop.signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      closing.signal.throwIfAborted();
      throw stop.signal.aborted ? timedOut(context, thrown) : translateFault(thrown, { ...context, sent });
    } finally {
      deadline.cancel();
      signal?.removeEventListener("abort", abort);
      closing.signal.removeEventListener("abort", abort);
    }
  }

  async function embeddings(model: string, texts: readonly string[], signal?: AbortSignal): Promise<Answer> {
    const asked = encoding;
    try {
      const answer = await withDeadline(
        signal,
        async (stop) => {
          const body: unknown = await client.embeddings.create(
            {
              model,
              input: [...texts],
              // Explicitly: left to the client, a server that ignores the wish for base64 yields garbage.
              encoding_format: asked,
              ...(options.dimensions === undefined ? {} : { dimensions: options.dimensions }),
            },
            { signal: stop },
          );
          return readAnswer(json(body, texts), texts.length, where);
        },
        texts,
      );
      encoding = answer.encoding;
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof EncodingRefusedError)) throw thrown;
      if (asked === "float") throw new RejectedInputError(`${where} refuses the text.`, { cause: thrown });
      encoding = "float";
      return embeddings(model, texts, signal);
    }
  }

  /** Some servers forget the content type, others answer 200 with an error inside. */
  function json(body: unknown, sent: readonly string[] = []): unknown {
    const value: unknown = typeof body === "string" ? JSON.parse(body) : body;
    const says = Array.isArray((value as { data?: unknown } | null)?.data) ? undefined : messageIn(value);
    if (says) throw errorInAnswer(redact(says, apiKey), { ...context, sent });
    return value;
  }

  return {
    embeddings,
    async modelNames(signal) {
      return withDeadline(signal, async (stop) => {
        const { data } = json(await client.models.list({ signal: stop })) as { data?: unknown };
        const models: unknown[] = Array.isArray(data) ? data : [];
        return models.flatMap((model) => {
          const id = (model as { id?: unknown } | null)?.id;
          return typeof id === "string" ? [id] : [];
        });
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

/** What an error's body says, wherever this kind of server puts it. */
function messageIn(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { error, message, detail } = body as { error?: unknown; message?: unknown; detail?: unknown };
  if (error && typeof error === "object") return messageIn(error) ?? "an error without a message";
  const first: unknown = Array.isArray(detail) ? (detail[0] as { msg?: unknown } | undefined)?.msg : detail;
  const found = [error, message, first].find((text) => typeof text === "string" && text !== "");
  return typeof found === "string" ? found : undefined;
}

function redact(text: string, apiKey: string | undefined): string {
  const safe = apiKey ? text.replaceAll(apiKey, "[key]") : text;
  return safe.replace(/\s+/g, " ").trim().slice(0, 200);
}
