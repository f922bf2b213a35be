// LanceDB's errors in the project's words. LanceDB tells kinds apart only in the message text.

import { TransientError, toError, UserError } from "../../errors.ts";

/** What anything thrown by a write or a read of an open index becomes. */
export function translate(thrown: unknown): Error {
  const error = toError(thrown);
  const transient = (says: string) => new TransientError(says, { cause: error });
  const mend = (says: string) => new UserError(says, { cause: error });
  if (isDiskFull(error)) {
    return transient("The disk that holds the search index is full. Free some space; nothing in the archive is lost.");
  }
  if (isOutOfReach(error)) return transient("The object store that holds the search index cannot be reached.");
  if (isConflict(error)) {
    return transient("Another change of the search index got in between, again and again. It is tried again.");
  }
  if (isRefused(error)) {
    return mend(
      `The object store that holds the search index refuses the bot (${reason(error)}). The archive is not affected. Check its keys, and that they may list, read, write and delete in the bucket.`,
    );
  }
  if (isDenied(error)) {
    return mend(
      "The search index cannot be written: its folder is read-only or belongs to another user. The archive is not affected. Give the bot write access to it and try again.",
    );
  }
  return error;
}

/** What is said of an index that cannot be opened. `where`: its folder or address. */
export function cannotOpen(where: string, thrown: unknown): Error {
  const error = toError(thrown);
  if (isDiskFull(error) || isOutOfReach(error) || isRefused(error)) return translate(error);
  return new UserError(
    `The search index at ${where} cannot be used: ${reason(error)}. The archive is not affected. ${remedy(error)}`,
    { cause: error },
  );
}

/** LanceDB appends source locations and the same text again as a cause. */
function reason(error: Error): string {
  const [first = ""] = error.message.split(/, \/|\n|Caused by/);
  return first
    .replace(/^(?:lance error: |LanceError\(\w+\): )+/, "")
    .trim()
    .slice(0, 200);
}

function remedy(error: Error): string {
  if (isDenied(error)) return "Give the bot write access to that folder and start it again.";
  return "Restore it from a backup, or delete it and start a backfill, which makes it anew.";
}

/** An object store's no to whoever asks, whatever is asked. */
function isRefused({ message }: Error): boolean {
  return isRemote(message) && /\b(401|403)\b|NoSuchBucket|InvalidAccessKeyId|SignatureDoesNotMatch/.test(message);
}

/** A failed request to an object store, but for those answered with a no. */
function isOutOfReach(error: Error): boolean {
  return isRemote(error.message) && !isRefused(error) && /Error performing|HTTP error|timed out/i.test(error.message);
}

const isRemote = (message: string) => /Generic S3 error|status: \d{3}|PermissionDenied|Unauthenticated/.test(message);

/** Another commit got in between: the change that was refused can be made anew. */
export function isConflict({ message }: Error): boolean {
  return /commit conflict|concurrent|retryable/i.test(message);
}

/** A file of the version that was asked is gone: upkeep has dropped it, and the next has others. */
export function isGone({ message }: Error): boolean {
  return /\bnot found: /i.test(message);
}

function isDiskFull(error: Error): boolean {
  return /no space left|os error 28|quota exceeded|os error 122/i.test(error.message);
}

function isDenied(error: Error): boolean {
  return /permission denied|read-only file system|not a directory|unable to created? lance dataset|os error (13|20|30)\b/i.test(
    error.message,
  );
}
