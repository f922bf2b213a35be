// The end of a run: what was done, how long it took, and whether the index holds what it should. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { Verification } from "../backfill/compare/verify.ts";
import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import { isBalanced, isResumable, type Run, totals } from "../backfill/run/run.ts";
import { usedText } from "./cost.ts";
import { type Button, button, card, colors, customId, fitLines, joinLines, message, type View } from "./message.ts";
import { accountsText, reasonText, skippedLines, unreadableText } from "./reasons.ts";
import { sampleButtons, verificationEmbed } from "./verification.ts";
import { ago, count, duration, percent, plain, rate } from "./words.ts";

/** The report of a run that ended, or was left unfinished. */
export function reportView(status: BackfillStatus, verification: Verification | undefined): View {
  const { run } = status;
  if (!run) return card({ title: "No backfill yet", color: colors.quiet });
  const embeds = [runReport(status, run)];
  if (verification) embeds.push(verificationEmbed(verification, status.guildId));
  return message({
    embeds,
    buttons: reportButtons(status, run, verification),
    moreButtons: [verification ? sampleButtons(verification) : []],
  });
}

function runReport(status: BackfillStatus, run: Run): APIEmbed {
  const sum = totals(run);
  const total = sum.read + sum.remaining;
  const nothingDone = sum.read === 0 && Math.max(sum.planned, total) > 0;
  const fields: APIEmbedField[] = [
    { name: "Does it add up?", value: account(run) },
    {
      name: "Time",
      value: joinLines(
        `${duration(run.runningMs)} of work, started ${ago(run.startedAt)}`,
        run.runningMs > 0 && sum.read > 0 ? `On average ${rate(sum.read / (run.runningMs / 1_000))}` : "",
        `${count(run.batches.sent, "request")} to the search model${run.batches.failed === 0 ? "" : `, ${count(run.batches.failed)} of them had to be repeated`}`,
        run.used ? `Used: ${usedText(run.used)}` : "",
      ),
    },
  ];
  const reasons = skippedLines(run.skippedBy);
  if (reasons.length > 0) {
    const lines = reasons.map(({ text, records }) => `${count(records)}: ${plain(text)}`);
    fields.push({
      name: "Nothing to search in",
      value: fitLines(lines, 1_024),
    });
  }
  if (sum.quarantined > 0) {
    fields.push({
      name: "Set aside",
      value: `${count(sum.quarantined, "message")} (${percent(sum.quarantined, sum.read)}) could not be made searchable. Nothing is lost: Show failures says why, and they can be tried again.`,
    });
  }
  if (run.collection) {
    const { collected, unreadable, expected } = run.collection;
    const blocked =
      unreadable.length > 0
        ? `\n${count(unreadable.length, "channel")} could not be read: ${fitLines(
            unreadable.map((channel) => plain(unreadableText(channel))),
            700,
          ).replaceAll("\n", ", ")}`
        : "";
    fields.push({
      name: "Fetched from Discord",
      value: `${count(collected, "message")}${compared(collected, expected)}${blocked}`,
    });
  }
  return {
    ...headline(run, reasonText(run.reason, status.command), nothingDone, sum.remaining, Math.max(sum.planned, total)),
    fields,
    footer: { text: `Pace: ${run.pace} · run ${run.id}` },
    timestamp: new Date(run.finishedAt ?? status.at).toISOString(),
  };
}

/** Beside what Discord's own search counts. It also counts who joined or pinned, the bot's own, and what is written meanwhile. */
function compared(collected: number, expected: number | undefined): string {
  if (expected === undefined) return "";
  const counts = `Discord's own search counts ${count(expected)}`;
  if (collected >= expected) return `. ${counts}: nothing is missing.`;
  return `. ${counts}: it also counts notices, such as that somebody joined, and what this bot wrote, which are not fetched.`;
}

function headline(run: Run, reason: string, nothingDone: boolean, remaining: number, planned: number): APIEmbed {
  if (run.status === "cancelled") {
    return { title: "↩️ Backfill rolled back", color: colors.quiet, description: plain(reason) };
  }
  if (nothingDone) {
    return {
      title: `❌ Backfill failed: 0 of ${count(planned, "message")} worked through`,
      color: colors.bad,
      description: `It ended without having looked at a single message, so nothing became searchable. The reason given: ${plain(reason)}`,
    };
  }
  if (run.status === "succeeded" && isBalanced(totals(run)) && remaining === 0) {
    return {
      title: "✅ Backfill finished",
      color: colors.good,
      description:
        totals(run).quarantined === 0
          ? "Everything that was planned is done: search finds it now."
          : "Everything that was planned is done. Search finds it now, but for what was set aside.",
    };
  }
  if (run.status === "succeeded") {
    return {
      title: "⚠️ Backfill finished, but its numbers do not add up",
      color: colors.warning,
      description:
        "It is not certain what became of some messages. Start another backfill: it does whatever is missing. The bot's log says more.",
    };
  }
  return {
    title: run.status === "failed" ? "❌ Backfill failed" : "⏸️ Backfill stopped before its end",
    color: run.status === "failed" ? colors.bad : colors.quiet,
    description: `${plain(reason)}\nWhat was done is kept. Resume goes on where it stopped.`,
  };
}

/** The accounting identity with its numbers, checked. */
function account(run: Run): string {
  const accounts = totals(run);
  const { read, embedded, unchanged, skipped, quarantined, remaining } = accounts;
  const right = embedded + unchanged + skipped + quarantined + remaining;
  return [
    accountsText(accounts, (number) => `**${number}**`),
    read + remaining === right
      ? "✔ Yes: every message is accounted for."
      : `✘ No, it does not add up: the parts make ${count(right)}.`,
  ].join("\n");
}

function reportButtons(status: BackfillStatus, run: Run, verification: Verification | undefined): Button[] {
  const buttons: Button[] = [];
  if (isResumable(run.status)) buttons.push(button("Resume", customId("backfill", "resume"), "success"));
  else if (verification && verification.missing + verification.stale + verification.orphaned > 0) {
    buttons.push(button("Start another backfill", customId("backfill", "start"), "success"));
  }
  if (status.quarantined || totals(run).quarantined > 0) {
    buttons.push(
      button("Show failures", customId("backfill", "failures")),
      button("Try them again", customId("backfill", "retry")),
    );
  }
  return buttons;
}
