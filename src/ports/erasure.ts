// What it takes to be sure that deleted words are in no file any more: which guilds have deleted something, and a rewrite of the archive.

import type { Snowflake } from "../snowflake.ts";

/** Something was deleted or edited in a guild since its files were last rewritten. */
export interface DeletionMark {
  readonly guildId: Snowflake;
  /** Opaque; changes with every deletion. */
  readonly stamp: string;
  /** When its files were last rewritten, if ever. Milliseconds since 1970. */
  readonly erasedAt: number | undefined;
}

export interface ErasureStore {
  /** Set in the commit of each deletion or edit, by whichever process. */
  deletions(): Promise<DeletionMark[]>;
  /** All that was deleted up to the mark is in no file any more. @param isAll false: the mark stays for the next time */
  erased(mark: DeletionMark, at: number, isAll: boolean): Promise<void>;
  /**
   * Rewrites the archive's file without what was deleted, unless that has been done since.
   * @param since milliseconds since 1970
   * @returns false when the archive is not a file of this machine: its server has to see to it
   * @throws TransientError when it could not be done now; the archive is sound all the same
   */
  compact(since: number, now: number): Promise<boolean>;
}
