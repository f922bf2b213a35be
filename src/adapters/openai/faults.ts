// Turns whatever a model server or the way to it throws into the project's errors, in words that tell a self-hoster what to do.

import { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import { RejectedInputError, TransientError, toError } from "../../errors.ts";

/** Longer waits asked for are not believed: the server is simply asked again after this. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** The server takes fewer texts in one request than were sent. Handled inside the adapter. */
export class TooManyTextsError extends Error {
  override readonly name = "TooManyTextsError";
  /** As far as the server said it. */
  readonly limit: number | undefined;

  constructor(limit: number | undefined, options: ErrorOptions) {
    super("Too many texts in one request", options);
    this.limit = limit;
  }
}

/** The server does not know how to answer in base64. Handled inside the adapter. */
export class EncodingRefusedError extends Error {
  override readonly name = "EncodingRefusedError";
}

const HOUSE_ERRORS = [TransientError, RejectedInputError, TooManyTextsError, EncodingRefusedError];

// What servers say, in their own words; status codes alone do not tell these apart (LM Studio answers 400 to nearly everything,
// llama.cpp 500 to a long text).
const SAYS = {
  tooManyTexts:
    /batch size (\d+)?.*maximum allowed batch size (\d+)|too many inputs|maximum (batch size|number of inputs)/i,
  tooLong:
    /context (length|size|window)|(too many|fewer than \d+|less than \d+) tokens|max(imum)?.{0,40}(tokens|length)|input length|(input|text|prompt|content)s?.{0,30}too (long|large)|exceeds? .{0,30}(tokens|context|length)|physical batch size|token limit/i,
  noModel:
    /no models? .{0,30}loaded|model .{0,80}(not (been )?(loaded|found)|does(n't| not) exist|unloaded|crashed)|(failed to load|loading|load a) model|try pulling/i,
  badKey: /api[ _-]?key|unauthori[sz]ed|authentication/i,
  badEncoding: /encoding_?format|base64/i,
  // vLLM answers 400 to this, Ollama 500, llama.cpp 501.
  notEmbedding: /(not|n't) support.{0,20}embedding|not an embedding/i,
  misconfigured: /matryoshka|\bdimensions?\b|unexpected endpoint|unsupported endpoint/i,
} as const;

export interface FaultContext {
  /** E.g. "The embedding server at localhost:1234". */
  readonly where: string;
  readonly timeoutMs: number;
  /** The texts of the request: what the server repeats of them is not repeated to others. */
  readonly sent?: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What to throw instead. Never holds the API key: nothing of the request goes into it. */
export function translateFault(thrown: unknown, context: FaultContext): Error {
  const { where } = context;
  if (HOUSE_ERRORS.some((kind) => thrown instanceof kind)) return toError(thrown);
  if (thrown instanceof APIConnectionTimeoutError) return timedOut(context, thrown);
  if (thrown instanceof APIConnectionError) return unreachable(where, thrown);
  if (thrown instanceof APIError && typeof thrown.status === "number") {
    return answeredWith(thrown.status, plainMessage(thrown), thrown, context);
  }
  if (thrown instanceof SyntaxError) {
    return new TransientError(`${where} answers, but not with JSON. Is its address right (it usually ends in /v1)?`, {
      cause: thrown,
    });
  }
  return unreachable(where, toError(thrown));
}

export function timedOut({ where, timeoutMs }: FaultContext, cause?: unknown): TransientError {
  return new TransientError(`${where} did not answer within ${timeoutMs / 1000} s.`, { cause });
}

/** A 200 whose body is an error, as LM Studio gives for an unknown route. */
export function errorInAnswer(says: string, context: FaultContext): Error {
  return answeredWith(200, says, undefined, context);
}

function answeredWith(status: number, says: string, cause: APIError | undefined, context: FaultContext): Error {
  const { where } = context;
  const quote = says ? ` It says: ${withoutEcho(says, context.sent ?? [])}` : "";
  const retryAfterMs = retryAfter(cause?.headers, context.now());
  const transient = (message: string) =>
    new TransientError(message + quote, retryAfterMs === undefined ? { cause } : { cause, retryAfterMs });

  if (status === 429) {
    return transient(
      /quota|billing|credit/i.test(says) ? `${where} says that your quota is used up.` : `${where} asks for a pause.`,
    );
  }
  if (status === 401 || status === 403)
    return transient(`${where} does not accept the API key. Set the right one (EMBEDDINGS_API_KEY).`);
  if (status === 402) return transient(`${where} wants to be paid first.`);
  if (SAYS.noModel.test(says))
    return transient(`${where} has not loaded the model. Load it, or name another one (EMBEDDINGS_MODEL).`);
  if (SAYS.notEmbedding.test(says)) {
    return transient(`${where} cannot embed with this model. Load an embedding model, and name it (EMBEDDINGS_MODEL).`);
  }
  const tooMany = SAYS.tooManyTexts.exec(says);
  if (tooMany) return new TooManyTextsError(Number(tooMany[2]) || undefined, { cause });
  if (status === 413 || ([400, 422, 500].includes(status) && SAYS.tooLong.test(says))) {
    return new RejectedInputError(`${where} finds the text too long.${quote}`, { reason: "too-long", cause });
  }
  if (status === 404 || status === 405)
    return transient(`${where} has no /embeddings at this address. Correct it (EMBEDDINGS_URL).`);
  if (status === 400 || status === 422) {
    if (SAYS.badEncoding.test(says)) return new EncodingRefusedError(says, { cause });
    if (SAYS.badKey.test(says))
      return transient(`${where} does not accept the API key. Set the right one (EMBEDDINGS_API_KEY).`);
    if (SAYS.misconfigured.test(says)) return transient(`${where} cannot embed with these settings. Correct them.`);
    return new RejectedInputError(`${where} refuses the text.${quote}`, { cause });
  }
  if (status === 200)
    return transient(`${where} answers with an error. Is its address right (it usually ends in /v1)?`);
  return transient(`${where} fails (HTTP ${status}).`);
}

function unreachable(where: string, error: Error): TransientError {
  const codes = causes(error).map((cause) => String((cause as { code?: unknown }).code ?? ""));
  const has = (...wanted: string[]) => codes.some((code) => wanted.includes(code));
  const what = has("ECONNREFUSED")
    ? "is not running: nothing listens there. Start it, or correct the address (EMBEDDINGS_URL)."
    : has("ENOTFOUND", "EAI_AGAIN")
      ? "cannot be found: its name does not resolve. Correct the address (EMBEDDINGS_URL), or check the network."
      : has("ECONNRESET", "UND_ERR_SOCKET", "EPIPE")
        ? "hung up before it had answered."
        : has("ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "EHOSTUNREACH", "ENETUNREACH")
          ? "cannot be reached over the network."
          : `cannot be reached (${codes.find((code) => code !== "") ?? error.message}).`;
  return new TransientError(`${where} ${what}`, { cause: error });
}

/** As much in common with what was sent is no coincidence. Characters. */
const ECHO_LENGTH = 12;

/** What a server says, with "…" for the parts that quote the texts it was sent: errors reach logs and admins, members' words must not. */
function withoutEcho(says: string, sent: readonly string[]): string {
  const whole = sent.join("\n");
  const isEcho = (from: number, to: number) => to <= says.length && whole.includes(says.slice(from, to));
  let clean = "";
  for (let at = 0; at < says.length; ) {
    const short = sent.find((text) => text.length > 2 && text.length < ECHO_LENGTH && says.startsWith(text, at));
    let end = at + (short?.length ?? (isEcho(at, at + ECHO_LENGTH) ? ECHO_LENGTH : 0));
    while (end - at >= ECHO_LENGTH && isEcho(at, end + 1)) end += 1;
    clean += end > at ? "…" : says[at];
    at = Math.max(end, at + 1);
  }
  return clean;
}

function causes(error: Error): Error[] {
  const inner = error.cause instanceof AggregateError ? error.cause.errors.map(toError) : [];
  return [error, ...inner, ...(error.cause instanceof Error ? causes(error.cause) : [])];
}

/** The client puts the status before the message. */
function plainMessage(error: APIError): string {
  return error.message.replace(/^\d{3} (status code \(no body\))?/, "").trim();
}

/** Seconds or a date, as HTTP has it; OpenAI also sends milliseconds. Nonsense is ignored, long waits are cut. */
function retryAfter(headers: Headers | undefined, nowMs: number): number | undefined {
  const milliseconds = headers?.get("retry-after-ms");
  const value = headers?.get("retry-after");
  const asked = milliseconds
    ? Number(milliseconds)
    : value
      ? Number.isNaN(Number(value))
        ? Date.parse(value) - nowMs
        : Number(value) * 1000
      : Number.NaN;
  return asked >= 0 ? Math.min(asked, MAX_RETRY_AFTER_MS) : undefined;
}
