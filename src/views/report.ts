// The end of a run: what was done, how long it took, and whether the index holds what it should; and /backfill verify. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { SampledMessage } from "../backfill/compare/proof-messages.ts";
import { type Criterion, goals, type Verification } from "../backfill/compare/verify.ts";
import type { BackfillStatus } from "../backfill/reporting/announcements.ts";
import { isBalanced, isResumable, type Run, totals } from "../backfill/run/run.ts";
import { snowflakeTime } from "../snowflake.ts";
import { emptyArchive } from "./analysis.ts";
import { usedText } from "./cost.ts";
import { type Button, button, colors, customId, fitLines, message, type View } from "./message.ts";
import { accountsText, asSentence, reasonText, skippedLines, unreadableText } from "./reasons.ts";
import { recordMarkdown } from "./record-text.ts";
import { by } from "./search-results.ts";
import { ago, count, duration, jumpLink, latency, percent, plain, rate } from "./words.ts";

/** The report of a run that ended, or was left unfinished. */
export function reportView(status: BackfillStatus, verification: Verification | undefined): View {
  const { run } = status;
  if (!run) return message({ embeds: [{ title: "No backfill yet", color: colors.quiet }] });
  const embeds = [runReport(status, run)];
  if (verification) embeds.push(verificationEmbed(verification, status.guildId));
  return message({
    embeds,
    buttons: reportButtons(status, run, verification),
    moreButtons: [verification ? sampleButtons(verification) : []],
  });
}

/** The answer of /backfill verify. */
export function verificationView(verification: Verification, guildId: string): View {
  const work = verification.missing + verification.stale + verification.orphaned > 0;
  return message({
    embeds: [verificationEmbed(verification, guildId)],
    buttons: work ? [button("Start a backfill", customId("backfill", "start"), "success")] : [],
    moreButtons: [sampleButtons(verification)],
  });
}

/** The answer of /backfill rollback. */
export function rolledBackView(removedRows: number, verification: Verification): View {
  const { records, skipped, embedded, orphaned, duplicates, badVectors } = verification;
  const isInOrder = orphaned + duplicates + badVectors === 0;
  return message({
    embeds: [
      {
        title: isInOrder ? "↩️ Backfill taken back" : "⚠️ Backfill taken back, but the search index is not in order",
        color: isInOrder ? colors.quiet : colors.warning,
        description: [
          `${count(removedRows, "entry", "entries")} that it had written ${removedRows === 1 ? "is" : "are"} out of the search index. What became searchable as it was written stays so, and all messages are still stored.`,
          `Search finds ${count(embedded)} of ${count(records - skipped, "message")} with text now. A new backfill makes the others searchable again.`,
          isInOrder ? "" : `${asSentence(inconsistencies(verification))} A backfill puts that right.`,
        ]
          .filter(Boolean)
          .join("\n"),
        timestamp: new Date(verification.at).toISOString(),
      },
    ],
    buttons: [button("Start a backfill", customId("backfill", "start"))],
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
      value: [
        `${duration(run.runningMs)} of work, started ${ago(run.startedAt)}`,
        run.runningMs > 0 && sum.read > 0 ? `On average ${rate(sum.read / (run.runningMs / 1_000))}` : "",
        `${count(run.batches.sent, "request")} to the search model${run.batches.failed === 0 ? "" : `, ${count(run.batches.failed)} of them had to be repeated`}`,
        run.used ? `Used: ${usedText(run.used)}` : "",
      ]
        .filter(Boolean)
        .join("\n"),
    },
  ];
  const reasons = skippedLines(run.skippedBy);
  if (reasons.length > 0) {
    const lines = reasons.map(({ text, records }) => `${count(records)}: ${plain(text)}`);
    fields.push({
      name: "Nothing to search in",
      value: fitLines(lines, 1_024, (left) => `and ${count(left)} more`),
    });
  }
  if (sum.quarantined > 0) {
    fields.push({
      name: "Set aside",
      value: `${count(sum.quarantined, "message")} (${percent(sum.quarantined, sum.read)}) could not be made searchable. Nothing is lost: Show failures says why, and they can be tried again.`,
    });
  }
  if (run.collection) {
    const { collected, unreadable } = run.collection;
    const blocked =
      unreadable.length > 0
        ? `\n${count(unreadable.length, "channel")} could not be read: ${fitLines(
            unreadable.map((channel) => plain(unreadableText(channel))),
            700,
            (left) => `and ${count(left)} more`,
          ).replaceAll("\n", ", ")}`
        : "";
    fields.push({ name: "Fetched from Discord", value: `${count(collected, "message")}${blocked}` });
  }
  return {
    ...headline(run, reasonText(run.reason, status.command), nothingDone, sum.remaining, Math.max(sum.planned, total)),
    fields,
    footer: { text: `Pace: ${run.pace} · run ${run.id}` },
    timestamp: new Date(run.finishedAt ?? status.at).toISOString(),
  };
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

const criterionTitles: Readonly<Record<Criterion["name"], string>> = {
  coverage: "Found by search",
  failures: "Set aside",
  "search-time": "Search time",
  months: "Every month",
  consistency: "The search index is in order",
  accounting: "Every message is accounted for",
};

/** What is wrong, for the title, and what to do about it. The first that fails decides. */
const troubles: Readonly<Record<Criterion["name"], { readonly title: string; readonly advice: string }>> = {
  coverage: {
    title: "search does not find some messages",
    advice: "Start a backfill: it makes the missing ones searchable.",
  },
  consistency: {
    title: "the search index is not in order",
    advice: "Start a backfill: it puts that right.",
  },
  months: {
    title: "search finds nothing of some months",
    advice: "Start a backfill of all phases: it makes the missing ones searchable.",
  },
  accounting: {
    title: "the numbers do not add up",
    advice: "Start another backfill: it does whatever is missing. The bot's log says more.",
  },
  failures: {
    title: "many messages are set aside",
    advice: "Show failures says why each of them is, and they can be tried again.",
  },
  "search-time": {
    title: "all is found, but search is slow",
    advice:
      "Mostly something else keeps the machine busy: a backfill elsewhere, or another program. Check again later (verify). If it stays slow, the machine is too small for so many messages.",
  },
};

function criterionText(criterion: Criterion, found: Verification): string {
  const withText = found.records - found.skipped;
  switch (criterion.name) {
    case "coverage": {
      const share = withText === 0 ? percent(1, 1) : percent(found.embedded, withText);
      return `${share} of ${count(withText)} messages with text (goal: over ${percent(goals.coverage, 1)})`;
    }
    case "failures":
      return found.quarantined === 0
        ? "none"
        : `${count(found.quarantined, "message")}, ${percent(found.quarantined, withText)} (goal: under ${percent(goals.failures, 1)})`;
    case "search-time":
      return `${latency(found.searchMs.p50)} as a rule, seldom more than ${latency(found.searchMs.p95)} (goal: under ${latency(goals.searchMs)})`;
    case "months":
      return criterion.found >= criterion.months
        ? `something is found in each of the ${count(criterion.months, "month")} with messages`
        : `something is found in ${count(criterion.found)} of ${count(criterion.months, "month")} with messages`;
    case "consistency":
      return inconsistencies(found) || "no leftovers, nothing twice, nothing out of date or damaged";
    case "accounting":
      return criterion.ok ? "yes" : accountsText(criterion.accounts);
  }
}

/** Empty where all is in order. */
function inconsistencies({ orphaned, duplicates, stale, badVectors }: Verification): string {
  const kinds = [
    [orphaned, "deleted but still found"],
    [duplicates, "there twice"],
    [stale, "out of date"],
    [badVectors, "damaged"],
  ] as const;
  return kinds
    .filter(([records]) => records > 0)
    .map(([records, what]) => `${count(records)} ${what}`)
    .join(", ");
}

function verificationEmbed(verification: Verification, guildId: string): APIEmbed {
  const { records, missing, orphaned, selfRetrieval } = verification;
  if (records === 0 && orphaned === 0) {
    return { title: "Nothing to check", color: colors.quiet, description: emptyArchive };
  }
  const failed = new Set(verification.criteria.filter((criterion) => !criterion.ok).map(({ name }) => name));
  const [trouble] = (Object.keys(troubles) as Criterion["name"][]).filter((name) => failed.has(name));
  const ticks = verification.criteria.map(
    (each) => `${each.ok ? "✅" : "❌"} **${criterionTitles[each.name]}**: ${criterionText(each, verification)}`,
  );
  if (trouble !== undefined) ticks.push(`➜ ${troubles[trouble].advice}`);
  const found = `Old messages searched for by their own words: ${count(selfRetrieval.found)} of ${count(selfRetrieval.tried)} found`;
  const fields: APIEmbedField[] = [
    {
      name: "What was compared",
      value: [
        `${count(records, "stored message")} with the search index${missing > 0 ? `: ${count(missing)} missing there` : ""}`,
        selfRetrieval.tried > 0 ? found : "",
      ]
        .filter(Boolean)
        .join("\n"),
    },
  ];
  if (verification.sample.length > 0) {
    fields.push({
      name: "Old messages that search finds now",
      value: verification.sample.map((each, at) => sampleLines(each, at + 1, guildId)).join("\n"),
    });
  }
  return {
    title: trouble === undefined ? "✅ Checked: search finds what it should" : `⚠️ Checked: ${troubles[trouble].title}`,
    color: trouble === undefined ? colors.good : colors.warning,
    description: fitLines(ticks, 2_000, (left) => `and ${count(left)} more`),
    fields,
    footer: { text: `Checked in ${duration(verification.tookMs)}` },
    timestamp: new Date(verification.at).toISOString(),
  };
}

/** The other messages of a sample are told by when they were written; who can read them finds them by the button. */
function sampleLines({ id, record }: SampledMessage, position: number, guildId: string): string {
  const age = ago(snowflakeTime(id));
  if (!record) return `**${position}.** ${age}, where not everybody who reads this can read`;
  const where = `<#${record.channelId}> · ${age} ${jumpLink(guildId, record.channelId, id)}`;
  return `**${position}.** ${by(record)} in ${where}\n> ${recordMarkdown(record, { room: 120 })}`;
}

/** Pressed, each shows who presses, and nobody else, that search finds the message: if they can read it. */
function sampleButtons({ sample }: Verification): Button[] {
  return sample.map(({ id }, at) => button(`🔎 Search for this (${at + 1})`, customId("search", "sample", id)));
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
