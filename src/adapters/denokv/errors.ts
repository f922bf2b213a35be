// What the store's failures mean. The library reports SQLite's and the network's own words; what to do about them is told here.

import { TransientError, toError, UserError } from "../../errors.ts";

/** Runs a call; its errors come out translated. `onDead` is told when the store can never be used again, not even closed. */
export async function mapErrors<T>(location: string, call: () => Promise<T>, onDead?: () => void): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    const error = toError(thrown);
    if (/Database is closed/i.test(error.message)) onDead?.();
    throw translated(error, location);
  }
}

/** As `mapErrors`, for the moment of opening: whatever is wrong, the person who started the process has to mend it. */
export async function mapOpenErrors<T>(location: string, call: () => Promise<T>): Promise<T> {
  try {
    return await mapErrors(location, call);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const error = toError(thrown);
    throw new UserError(`The archive cannot be opened. ${error.message}`, { cause: error });
  }
}

/** @see https://www.sqlite.org/rescode.html */
function translated(error: Error, location: string): Error {
  const { message } = error;
  const transient = (says: string) => new TransientError(says, { cause: error });
  const mend = (says: string) => new UserError(says, { cause: error });
  if (/disk is full/i.test(message)) {
    return transient(
      `The disk that holds the archive (${location}) is full. What was stored is safe; free some space.`,
    );
  }
  if (/database (table )?is locked|database is busy/i.test(message)) {
    return transient(`The archive (${location}) is locked by another process.`);
  }
  if (/disk I\/O error/i.test(message)) {
    return transient(`The disk that holds the archive (${location}) reports an error.`);
  }
  if (/readonly database|unable to open database|EROFS|EACCES|EPERM|ENOTDIR|EEXIST|ENOENT|EISDIR/i.test(message)) {
    return mend(
      `The archive ${location} cannot be opened for writing. Check that its folder exists, is a folder, and that this user may write there.`,
    );
  }
  if (/malformed|not a database|Database is closed/i.test(message)) {
    return mend(
      `The archive ${location} is damaged or is not an archive. Move it away and restore a backup, or start without it and let the history be collected again.`,
    );
  }
  if (/response status: (401|403)|accessToken|ACCESS_TOKEN/i.test(message)) {
    return mend(`The archive ${location} refuses the access token.`);
  }
  if (/response status: (429|5\d\d)|Out of retries/i.test(message)) {
    return transient(`The archive ${location} is in trouble: it answers, but not as it should.`);
  }
  if (/response (status|content-type)|DatabaseMetadata|Unsupported version/i.test(message)) {
    return mend(`What answers at ${location} is not a Deno KV: no KV Connect is spoken there.`);
  }
  if (error.name === "TimeoutError" || /aborted due to timeout/i.test(message)) {
    return transient(`The archive ${location} does not answer.`);
  }
  if (error instanceof TypeError && /fetch failed|terminated/i.test(message)) {
    return transient(`The archive ${location} cannot be reached (${toError(error.cause ?? error).message}).`);
  }
  // The native library appends a stack of its own to each message.
  const [plain] = message.split(/\n+Stack backtrace:/);
  return plain === message ? error : new Error(plain, { cause: error });
}
