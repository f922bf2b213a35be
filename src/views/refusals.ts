// What was refused, and what to do, in words. Pure.

import type { UserError } from "../errors.ts";
import { type Refusal, RefusedError } from "../refusals.ts";
import { contentHidden } from "./reasons.ts";

/** What may be shown of an error to the person who asked. */
export function errorText(error: UserError): string {
  return error instanceof RefusedError ? refusalText(error.refusal) : error.message;
}

function refusalText(refusal: Refusal): string {
  switch (refusal.kind) {
    case "shutting-down":
      return "The bot is shutting down. Nothing is lost; try again when it is back.";
    case "not-owned":
      return refusal.holder === undefined
        ? "Another process of this bot may look after this server at the moment. Nothing is lost; try again in half a minute."
        : `Another process (${refusal.holder}) looks after this server. Stop one of the two, or wait 15 seconds after it has ended.`;
    case "changed-meanwhile":
      return `Somebody else started or changed a backfill of this server just now. Look at ${refusal.command} status.`;
    case "still-at-work": {
      const then = refusal.toRollBack === "run" ? "roll it back" : "roll back";
      return `The backfill is still at work. Pause it first, then ${then}.`;
    }
    case "no-run":
      return "There has been no backfill of this server: nothing to take back.";
    case "rolled-back-already":
      return "The latest backfill has been rolled back already.";
    case "no-former-index":
      return "There is no former search index to go back to: it is kept for some days after a change. Nothing was changed.";
    case "former-index-in-use":
      return "The former search index is in use again already. Nothing was changed.";
    case "former-index-deleted":
      return "The former search index is not on the disk any more. Nothing was changed.";
    case "wrong-vectors":
      return `Nothing was checked: ${refusal.message}.`;
    case "content-hidden":
      return contentHidden;
    case "note-without-text":
      return "A note needs some text. Nothing was saved.";
    case "message-without-text":
      return "That message has no text to keep. Nothing was saved.";
    case "note-excluded":
      return refusal.whose === "own"
        ? "Nothing of yours, or of this channel, is stored here, and so notes are not either. Nothing was saved."
        : "The author of that message does not want their words to be stored here. Nothing was saved.";
    case "no-such-note":
      return "There is no such note, or it is not yours. Nothing was removed.";
  }
}
