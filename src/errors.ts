// The three kinds of failure the project distinguishes, and how anything thrown becomes an Error.
// Adapters translate a vendor's errors into these at the door and keep `cause`; no status code travels further in.

/** Safe to show to the person who asked: says what happened, what was not lost, and what to do. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** Worth another try later: the other side cannot answer now. Says nothing about the input. */
export class TransientError extends Error {
  override readonly name = "TransientError";
  /** How long the other side asked us to wait, if it did. Milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The other side is well, and wants fewer requests. */
  readonly isRateLimit: boolean;

  constructor(message: string, options: { retryAfterMs?: number; isRateLimit?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
    this.isRateLimit = options.isRateLimit ?? false;
  }
}

/** The embedder answers with another model than the one that was agreed on. */
export class AnotherModelError extends TransientError {}

/** This very input is the problem; sending it again unchanged cannot help. */
export class RejectedInputError extends Error {
  override readonly name = "RejectedInputError";
  /** `too-long` can be mended by shortening; `refused` cannot. */
  readonly reason: "too-long" | "refused";

  constructor(message: string, options: { reason?: "too-long" | "refused"; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = options.reason ?? "refused";
  }
}

/** How a failure that is tried again is logged: what passes by itself is nobody's to look into. */
export function levelOf(thrown: unknown): "warn" | "error" {
  return thrown instanceof TransientError ? "warn" : "error";
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
