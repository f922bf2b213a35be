// Closes handles of LanceDB: tables and connections.

import { toError } from "../../errors.ts";

/**
 * LanceDB refuses to close a handle that a call is using. Only calls that were given up are left by then; such a handle is freed
 * with its last call.
 */
export function closeHandle(handle: { close(): void }): void {
  try {
    handle.close();
  } catch (thrown) {
    if (!/cannot be borrowed/.test(toError(thrown).message)) throw thrown;
  }
}
