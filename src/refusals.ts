// What is refused, and why, as facts with their values; views/refusals.ts says it in words.

import { UserError } from "./errors.ts";

export type Refusal =
  | { readonly kind: "shutting-down" }
  /** This process does not own the guild; `holder` does, as far as is known. */
  | { readonly kind: "not-owned"; readonly holder: string | undefined }
  /** The backfill was started or changed by somebody else. `command`: what admins type, e.g. "/backfill". */
  | { readonly kind: "changed-meanwhile"; readonly command: string }
  | { readonly kind: "still-at-work"; readonly toRollBack: "run" | "index" }
  | { readonly kind: "no-run" }
  | { readonly kind: "rolled-back-already" }
  | { readonly kind: "no-former-index" }
  | { readonly kind: "former-index-in-use" }
  | { readonly kind: "former-index-deleted" }
  /** The embedder's vectors are not those of the texts. `message`: how that was noticed. */
  | { readonly kind: "wrong-vectors"; readonly message: string }
  /** Discord hides what messages say. */
  | { readonly kind: "content-hidden" }
  | { readonly kind: "note-without-text" }
  | { readonly kind: "message-without-text" }
  | { readonly kind: "no-such-note" }
  /** Nothing of the note's owner, or of its channel, is to be stored; or of the author of the message that it would keep. */
  | { readonly kind: "note-excluded"; readonly whose: "own" | "author" };

/** Shown to the person who asked, in words that are not its message: that is for the log. */
export class RefusedError extends UserError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, options: { cause?: unknown } = {}) {
    super(`refused: ${refusal.kind}`, options);
    this.refusal = refusal;
  }
}
