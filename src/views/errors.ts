// What people see when something goes wrong. Pure.

import { sentence, type View } from "./message.ts";
import { clip } from "./words.ts";

/** A UserError's own words. */
export function userErrorView(text: string): View {
  return sentence(`⚠️ ${clip(text, 1_900)}`);
}

/** What the bot keeps its things in, or asks, does not answer now; with a remote archive or index, it comes back by itself. */
export function outOfReachView(): View {
  return sentence(
    "⏳ I cannot reach the search index, or something else that I need for this, at the moment. Nothing is lost. Please try again in a minute.",
  );
}

/** Anything else: a short apology, and the id under which the log tells more. */
export function apologyView(errorId: string): View {
  return sentence(
    `❌ Sorry, that did not work, and it is not your fault. Nothing that was stored is lost. Try again in a moment. If it happens again, tell whoever runs this bot: error \`${errorId}\`, which is in its log.`,
  );
}
