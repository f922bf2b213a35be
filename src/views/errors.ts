// What people see when something goes wrong. Pure.

import { message, type View } from "./message.ts";
import { clip } from "./words.ts";

/** A UserError's own words. */
export function userErrorView(text: string): View {
  return message({ content: `⚠️ ${clip(text, 1_900)}` });
}

/** Anything else: a short apology, and the id under which the log tells more. */
export function apologyView(errorId: string): View {
  return message({
    content: `❌ Sorry, that did not work, and it is not your fault. Nothing that was stored is lost. Try again in a moment. If it happens again, tell whoever runs this bot: error \`${errorId}\`, which is in its log.`,
  });
}
