// Why a run is as it is, and what it waits for, in words. What earlier versions stored in words is shown as it is. Pure.

import type { Accounts, StorageTrouble, StoredReason, WaitingFor } from "../backfill/run/facts.ts";
import type { UnreadableChannel } from "../sync/collect.ts";
import { budgetText } from "./cost.ts";
import { bytes, count, shortWait } from "./words.ts";

/** @param command what admins type, e.g. "/backfill" */
export function reasonText(reason: StoredReason, command: string): string {
  if (typeof reason === "string") return reason;
  switch (reason.kind) {
    case "started":
      return "started";
    case "resumed":
      return `resumed by an admin from ${reason.from}`;
    case "resumed-by-itself":
      return "resumed by itself";
    case "asked":
      return `${reason.by} asked`;
    case "rolled-back":
      return `rolled back by ${reason.by}`;
    case "index-restored":
      return `the index was set back to ${reason.version}`;
    case "disk-low":
      return `the disk is nearly full: ${bytes(reason.freeBytes)} free, and ${bytes(reason.wantedBytes)} should be`;
    case "budget-spent": {
      const used = reason.use === undefined ? "there is no budget any more" : budgetText(reason.use);
      return `the month's budget for the search model is used up: ${used}`;
    }
    case "embedder-down":
      return `the search model does not answer: ${reason.message}`;
    case "embedder-answers":
      return "the search model answers again";
    case "embedder-not-needed":
      return "the search model is not needed any more";
    case "model-changed":
      return `the search model was changed; type ${command} start to make everything searchable with the new one`;
    case "nothing-embedded":
      return `0 of ${count(reason.planned, "message")} could be made searchable`;
    case "nothing-remains":
      return "nothing remains";
    case "accounts-differ":
      return `the numbers do not add up: ${accountsText(reason.accounts)}`;
    case "process-stopped":
      return "the bot was stopped";
    case "process-gone":
      return "the bot ended in the middle of it";
    case "not-owned":
      return `Another process of this bot may look after this server at the moment. ${goesOn}`;
    case "left":
      return `${asSentence(reason.because === undefined ? "it was left" : storageTroubleText(reason.because))} ${goesOn}`;
    case "error":
      return reason.message;
  }
}

const goesOn = "It goes on by itself as soon as it can";

export const asSentence = (text: string) =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

const lostBecause = {
  ended: "this process of the bot no longer looks after this server",
  "taken-over": "another process of the bot looks after this server now",
  "run-replaced": "another backfill took its place",
} as const;

export function storageTroubleText(trouble: StorageTrouble): string {
  return trouble.kind === "error" ? trouble.message : lostBecause[trouble.how];
}

/** The accounting identity, without the parts that are nothing. @param mark puts emphasis on a number */
export function accountsText(accounts: Accounts, mark: (number: string) => string = (number) => number): string {
  const { planned, read, embedded, unchanged, skipped, quarantined, remaining } = accounts;
  const gone = planned - read - remaining;
  const note =
    gone === 0 ? "" : ` (${count(Math.abs(gone))} ${gone > 0 ? "deleted" : "added"} since the plan was made)`;
  const parts = [
    [embedded, "made searchable"],
    [unchanged, "already were"],
    [skipped, "with nothing to search"],
    [quarantined, "set aside"],
    [remaining, "left"],
  ] as const;
  const some = parts.filter(([records]) => records > 0);
  const sum = some.map(([records, what]) => `${mark(count(records))} ${what}`).join(" + ") || mark("0");
  return `${mark(count(read + remaining))} ${read + remaining === 1 ? "message" : "messages"} = ${sum}${note}`;
}

/** After "Waiting for: ". */
export function waitingForText(waiting: WaitingFor): string {
  switch (waiting.kind) {
    case "embedder": {
      const what = waiting.isRateLimit ? "the search model, which wants fewer requests" : "the search model";
      return `${what}; next try in ${shortWait(waiting.inMs)}`;
    }
    case "embedder-limits":
      return `room within the search model's limits, in ${shortWait(waiting.inMs)}`;
    case "turn":
      return "its turn: backfills of other servers are at work too";
    case "discord-history":
      return "Discord's history";
    case "changed-records":
      return "messages that changed meanwhile";
    case "refused-records":
      return "a second and a third try of messages that the search model refused";
    case "index-upkeep":
      return "the search index to be put in order";
    case "final-check":
      return "the final check";
    case "archive":
      return "the archive to be writable again, looked at every 5 s";
    case "storage":
      return "the archive and the search index to be in reach again, looked at every 5 s";
  }
}

const skipReasons: Readonly<Record<string, string>> = {
  "no-text": "no text",
  "invisible-text": "only invisible characters",
  "changed-meanwhile": "edited or deleted meanwhile",
};

/** Why records were skipped, the most frequent first. A run that an earlier version began counts in words. */
export function skippedLines(skippedBy: Readonly<Record<string, number>>): { text: string; records: number }[] {
  const byText = new Map<string, number>();
  for (const [reason, records] of Object.entries(skippedBy)) {
    const text = skipReasons[reason] ?? reason;
    byText.set(text, (byText.get(text) ?? 0) + records);
  }
  const lines = [...byText].map(([text, records]) => ({ text, records }));
  return lines.filter(({ records }) => records > 0).sort((one, other) => other.records - one.records);
}

export function unreadableText(channel: UnreadableChannel | string): string {
  if (typeof channel === "string") return channel;
  const { name, because } = channel;
  return `#${name}: ${because.kind === "error" ? because.message : contentHidden}`;
}

export const contentHidden = "Discord hides the text of messages: turn on Message Content Intent.";
