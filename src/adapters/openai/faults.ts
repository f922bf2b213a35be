// Turns whatever a model server or the way to it throws into the project's errors, in words that tell a self-hoster what to do.
// What servers say, and where, is in server-words.ts.

import { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import { RejectedInputError, TransientError, toError } from "../../errors.ts";
import { whileIn } from "./quotas.ts";
import { SAYS, tooManyTexts, tooManyTokens, withoutEcho } from "./server-words.ts";

/** What helps most often when something else than the expected comes back. */
export const CHECK_ADDRESS = "Is its address right (EMBEDDINGS_URL)? It usually ends in /v1.";

/** Waits longer than this are not believed: the server is simply asked again after MISTAKEN_WAIT_MS. */
const LONGEST_WAIT_MS = 8 * 24 * 3_600_000;
const MISTAKEN_WAIT_MS = 5 * 60_000;

// These three are handled inside the adapter.

/** The server takes fewer texts, or fewer tokens, in one request than were sent. */
export class TooMuchAtOnceError extends Error {
  override readonly name = "TooMuchAtOnceError";
  readonly of: "texts" | "tokens";
  /** As far as the server said it. */
  readonly limit: number | undefined;

  constructor(of: "texts" | "tokens", limit: number | undefined, options: ErrorOptions) {
    super(`Too many ${of} in one request`, options);
    this.of = of;
    this.limit = limit;
  }
}

/** The server does not want a field as it was sent, or wants one that was not. */
export type RefusedField = "encoding_format" | "input_type" | "dimensions";

export class FieldRefusedError extends Error {
  override readonly name = "FieldRefusedError";
  readonly field: RefusedField;

  constructor(field: RefusedField, says: string, options: ErrorOptions) {
    super(says, options);
    this.field = field;
  }
}

/** A failure whose words tell nothing: a field that the server does not know may be the cause. */
export class UnexplainedError extends TransientError {}

const HOUSE_ERRORS = [TransientError, RejectedInputError, TooMuchAtOnceError, FieldRefusedError];

export interface FaultContext {
  /** E.g. "The embedding server at localhost:1234". */
  readonly where: string;
  readonly timeoutMs: number;
  /** The texts of the request: what the server repeats of them is not repeated to others. Left out: it was asked for its models. */
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
    return new TransientError(`${where} answers, but not with JSON. ${CHECK_ADDRESS}`, { cause: thrown });
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
  const { where, sent } = context;
  const clean = withoutEcho(says, sent ?? []);
  const quote = clean ? ` It says: ${clean}` : "";
  const retryAfterMs = retryAfter(cause?.headers, context.now()) ?? (status === 429 ? retryIn(says) : undefined);
  const options = { cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const transient = (message: string) => new TransientError(message + quote, options);

  if (status === 429) {
    const what = SAYS.quota.test(says) ? "says that your quota is used up" : "asks for a pause";
    const howLong = retryAfterMs === undefined || retryAfterMs < 60_000 ? "" : ` of ${inWords(retryAfterMs)}`;
    return new TransientError(`${where} ${what}${howLong}.${quote}`, { ...options, isRateLimit: true });
  }
  if (status === 401 || status === 403)
    return transient(`${where} does not accept the API key. Set the right one (EMBEDDINGS_API_KEY).`);
  if (status === 402) return transient(`${where} wants to be paid first.`);
  if (SAYS.notEmbedding.test(says)) {
    return transient(`${where} cannot embed with this model. Load an embedding model, and name it (EMBEDDINGS_MODEL).`);
  }
  if (SAYS.noModel.test(says))
    return transient(`${where} has not loaded the model. Load it, or name another one (EMBEDDINGS_MODEL).`);
  if (SAYS.stillLoading.test(says)) return transient(`${where} is still loading the model.`);
  const texts = tooManyTexts(clean, sent?.length ?? 0);
  if (texts) return new TooMuchAtOnceError("texts", texts.limit, { cause });
  const tokens = tooManyTokens(clean);
  if (tokens && (sent?.length ?? 0) > 1) return new TooMuchAtOnceError("tokens", tokens.limit, { cause });
  // What a proxy (nginx: a megabyte) says of a whole request; TEI says it of a single text, with words.
  if (status === 413 && !SAYS.tooLong.test(says) && (sent?.length ?? 0) > 1) {
    return new TooMuchAtOnceError("tokens", undefined, { cause });
  }
  const isAboutInput = [400, 422, 500].includes(status);
  if (status === 413 || (isAboutInput && (tokens || SAYS.tooLong.test(says)))) {
    return new RejectedInputError(`${where} finds the text too long.${quote}`, { reason: "too-long", cause });
  }
  if (status === 404 || status === 405) {
    return transient(
      sent === undefined
        ? `${where} has no list of models at this address. Name the one to use (EMBEDDINGS_MODEL), or correct the address (EMBEDDINGS_URL).`
        : `${where} has no /embeddings at this address. Correct it (EMBEDDINGS_URL).`,
    );
  }
  if (isAboutInput || status === 415 || status === 501) {
    if (SAYS.badInputType.test(clean)) return new FieldRefusedError("input_type", clean, { cause });
    if (SAYS.badEncoding.test(clean)) return new FieldRefusedError("encoding_format", clean, { cause });
    if (SAYS.badLength.test(clean)) return new FieldRefusedError("dimensions", clean, { cause });
  }
  if (status === 400 || status === 422) {
    if (SAYS.badKey.test(says))
      return transient(`${where} does not accept the API key. Set the right one (EMBEDDINGS_API_KEY).`);
    if (SAYS.misconfigured.test(says)) return transient(`${where} cannot embed with these settings. Correct them.`);
    return new RejectedInputError(`${where} refuses the text.${quote}`, { cause });
  }
  if (status === 200) return transient(`${where} answers with an error. ${CHECK_ADDRESS}`);
  return status === 500 || status === 501
    ? new UnexplainedError(`${where} fails (HTTP ${status}).${quote}`, options)
    : transient(`${where} fails (HTTP ${status}).`);
}

function inWords(ms: number): string {
  const hours = ms / 3_600_000;
  return hours < 1.5 ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(hours)} hours`;
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

function causes(error: Error): Error[] {
  const inner = error.cause instanceof AggregateError ? error.cause.errors.map(toError) : [];
  return [error, ...inner, ...(error.cause instanceof Error ? causes(error.cause) : [])];
}

/** The client puts the status before the message. */
function plainMessage(error: APIError): string {
  return error.message.replace(/^\d{3} (status code \(no body\))?/, "").trim();
}

/** Gemini's "Please retry in 26.9s.", OpenAI's "Please try again in 6m0s". */
function retryIn(says: string): number | undefined {
  const [, asked] = /(?:re)?try (?:again )?(?:in|after) (\d[\d.hms]*)/i.exec(says) ?? [];
  const ms = asked === undefined ? undefined : whileIn(asked.replace(/\.$/, ""));
  return ms === undefined || ms > LONGEST_WAIT_MS ? undefined : ms;
}

/** Seconds or a date, as HTTP has it; OpenAI also sends milliseconds. Nonsense is ignored. */
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
  if (!(asked >= 0)) return undefined;
  return asked > LONGEST_WAIT_MS ? MISTAKEN_WAIT_MS : asked;
}
