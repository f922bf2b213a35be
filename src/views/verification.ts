// What a check of the index found: in a run's report, after a rollback, and as the answer of /backfill verify. Pure.

import type { APIEmbed, APIEmbedField } from "discord-api-types/v10";
import type { SampledMessage } from "../backfill/compare/proof-messages.ts";
import { type Criterion, goals, type Verification } from "../backfill/compare/verify.ts";
import { snowflakeTime } from "../snowflake.ts";
import { emptyArchive } from "./analysis.ts";
import { type Button, button, card, colors, customId, fitLines, joinLines, type View } from "./message.ts";
import { accountsText, asSentence } from "./reasons.ts";
import { recordMarkdown } from "./record-text.ts";
import { by } from "./search-results.ts";
import { ago, count, duration, jumpLink, latency, percent } from "./words.ts";

/** The answer of /backfill verify. */
export function verificationView(verification: Verification, guildId: string): View {
  const work = verification.missing + verification.stale + verification.orphaned > 0;
  return card({
    ...verificationEmbed(verification, guildId),
    buttons: work ? [button("Start a backfill", customId("backfill", "start"), "success")] : [],
    moreButtons: [sampleButtons(verification)],
  });
}

/** The answer of /backfill rollback. */
export function rolledBackView(removedRows: number, verification: Verification): View {
  const { records, skipped, embedded, orphaned, duplicates, badVectors } = verification;
  const isInOrder = orphaned + duplicates + badVectors === 0;
  return card({
    title: isInOrder ? "↩️ Backfill taken back" : "⚠️ Backfill taken back, but the search index is not in order",
    color: isInOrder ? colors.quiet : colors.warning,
    description: joinLines(
      `${count(removedRows, "entry", "entries")} that it had written ${removedRows === 1 ? "is" : "are"} out of the search index. What became searchable as it was written stays so, and all messages are still stored.`,
      `Search finds ${count(embedded)} of ${count(records - skipped, "message")} with text now. A new backfill makes the others searchable again.`,
      isInOrder ? "" : `${asSentence(inconsistencies(verification))} A backfill puts that right.`,
    ),
    timestamp: new Date(verification.at).toISOString(),
    buttons: [button("Start a backfill", customId("backfill", "start"))],
  });
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

export function verificationEmbed(verification: Verification, guildId: string): APIEmbed {
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
      value: joinLines(
        `${count(records, "stored message")} with the search index${missing > 0 ? `: ${count(missing)} missing there` : ""}`,
        selfRetrieval.tried > 0 ? found : "",
      ),
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
    description: fitLines(ticks, 2_000),
    fields,
    footer: { text: `Checked in ${duration(verification.tookMs)}` },
    timestamp: new Date(verification.at).toISOString(),
  };
}

/** The other messages of a sample are told by when they were written; who can read them finds them by the button. */
function sampleLines({ id, record }: SampledMessage, position: number, guildId: string): string {
  const age = ago(snowflakeTime(id));
  if (!record) return `**${position}.** ${age}, where not everybody who reads this can read`;
  const where = `${age} in ${jumpLink(guildId, record.channelId, id)}`;
  return `**${position}.** ${by(record)}, ${where}\n> ${recordMarkdown(record, { room: 120 })}`;
}

/** Pressed, each shows who presses, and nobody else, that search finds the message: if they can read it. */
export function sampleButtons({ sample }: Verification): Button[] {
  return sample.map(({ id }, at) => button(`🔎 Search for this (${at + 1})`, customId("search", "sample", id)));
}
