// The replies of /backfill settings and /backfill record: what is stored of a server, and who decided that. Pure.

import type { Deed } from "../ports/deeds.ts";
import type { RulesInForce } from "../ports/storage-rules.ts";
import { button, card, colors, customId, fitLines, joinLines, type View } from "./message.ts";
import { ago, count, moment } from "./words.ts";

export const DEEDS_PER_PAGE = 15;

const DELETED_SOON =
  "It is found no more from now on, and leaves the disk in small steps; backups that whoever runs this bot has made are not reached from here.";

export function rulesView(rules: RulesInForce): View {
  const { channelIds, areBotsLeftOut, keepDays, expiring, isRemoving, isFetching } = rules;
  const left = fitLines(
    channelIds.map((id) => `• <#${id}>`),
    900,
  );
  const soon = fitLines(
    expiring.map(({ channelId, at }) => `• <#${channelId}>: ${ago(at)} (${moment(at)})`),
    900,
  );
  return card({
    title: "What is stored of this server",
    color: colors.neutral,
    description: joinLines(
      "The messages of all channels that this bot can read, except:\n",
      `**Left out**: ${channelIds.length === 0 ? "no channel" : `${count(channelIds.length, "channel or category", "channels and categories")}`}`,
      left,
      `**Bots and webhooks**: ${areBotsLeftOut ? "left out" : "stored"}`,
      `**Kept**: ${keepDays === undefined ? "until they are deleted" : count(keepDays, "day")}`,
      soon && `**Deleted soon**, as the bot can no longer read there:\n${soon}`,
      "Members decide about their own words themselves: the command privacy.",
      isRemoving && "🗑️ Something is being deleted at this moment.",
      isFetching && "📥 Something that is stored again is being fetched from Discord.",
    ),
  });
}

export function leftOutView(channelId: string, isCategory: boolean): View {
  const what = isCategory ? `the channels in <#${channelId}>, and whatever comes into it,` : `<#${channelId}>`;
  return done(`🚫 From now on nothing of ${what} is stored. What there was is being deleted. ${DELETED_SOON}`);
}

/** @param isNew false: it was not left out */
export function takenInView(channelId: string, isNew: boolean, inCategory: string | undefined): View {
  const yet = inCategory === undefined ? "" : ` Its category <#${inCategory}> still is, so nothing of it is stored.`;
  if (!isNew) return done(`<#${channelId}> was not left out by itself.${yet}`, colors.quiet);
  if (yet !== "") return done(`<#${channelId}> is not left out by itself any more.${yet}`, colors.warning);
  return done(
    `📥 <#${channelId}> is stored again. Its messages are being fetched from Discord, and become searchable as they come.`,
  );
}

export function botsView(areStored: boolean, isNew: boolean): View {
  if (!isNew)
    return done(`Messages of bots and webhooks are ${areStored ? "stored" : "left out"} already.`, colors.quiet);
  return areStored
    ? done(
        "📥 Messages of bots and webhooks are stored again. Earlier ones are being fetched from Discord, as far back as each channel had been read.",
      )
    : done(`🚫 From now on no message of a bot or webhook is stored. What there was is being deleted. ${DELETED_SOON}`);
}

export function retentionView(days: number | undefined): View {
  if (days === undefined) {
    return done(
      "♾️ Messages are kept until they are deleted. Those that had left are being fetched from Discord, as far back as each channel had been read; the next backfill with the source discord fetches all.",
    );
  }
  return done(
    `🗓️ Messages are kept for ${count(days, "day")}. What is older is being deleted now, and every day from now on; it is not fetched again. Notes stay. ${DELETED_SOON}`,
  );
}

export function removeMemberQuestionView(userId: string): View {
  return card({
    title: "Delete everything this member wrote?",
    color: colors.warning,
    description: `All that is stored of <@${userId}> in this server goes: messages, notes, and what others have saved of the messages as notes. It is not fetched again, and cannot be brought back. What they write from now on is stored; they can end that themselves. Their words in others' messages, quoted or forwarded, stay: Discord does not say whose they are. Their messages on Discord stay.`,
    buttons: [
      button("Delete everything", customId("backfill", "remove-member", userId), "danger"),
      button("Keep it", customId("backfill", "cancel")),
    ],
  });
}

export function memberRemovedView(userId: string): View {
  return done(
    `🗑️ What is stored of <@${userId}> is being deleted, also if the bot is restarted meanwhile. ${DELETED_SOON}`,
  );
}

function done(description: string, color: number = colors.good): View {
  return card({ color, description });
}

/** @param deeds of this page, and one more where there is another page */
export function recordView(deeds: readonly Deed[], page: number): View {
  const shown = deeds.slice(0, DEEDS_PER_PAGE);
  const lines = shown.map((deed) => `${moment(deed.at)} (${ago(deed.at)}): ${deedLine(deed)}`);
  const empty = page === 0 ? "Nobody has changed anything yet." : "There is nothing further.";
  return card({
    title: page === 0 ? "Who did what" : `Who did what, page ${count(page + 1)}`,
    color: colors.neutral,
    description: lines.length === 0 ? empty : lines.join("\n"),
    footer: { text: "Starts, pauses, rollbacks, what is left out, deletions and settings, newest first" },
    buttons: [
      ...(page > 0 ? [button("Newer", customId("backfill", "record", String(page - 1)))] : []),
      ...(deeds.length > DEEDS_PER_PAGE ? [button("Older", customId("backfill", "record", String(page + 1)))] : []),
    ],
  });
}

function deedLine(deed: Deed): string {
  const who = deed.by === undefined ? "the bot" : `<@${deed.by}>`;
  return `${who} ${didWhat[deed.what](deed)}`;
}

const runOf = ({ detail }: Deed) => (detail === undefined ? "" : ` (\`${detail}\`)`);

const didWhat: Readonly<Record<Deed["what"], (deed: Deed) => string>> = {
  "run-started": (deed) => `started a backfill${runOf(deed)}`,
  "run-resumed": (deed) => `went on with a backfill${runOf(deed)}`,
  "run-paused": (deed) => `paused the backfill${runOf(deed)}`,
  "run-rolled-back": (deed) => `took back a backfill${runOf(deed)}`,
  "index-rolled-back": () => "went back to the former search index",
  "failures-retried": () => "gave what had failed another chance",
  "channel-excluded": ({ targetId }) => `left out <#${targetId}> and had what was stored of it deleted`,
  "channel-included": ({ targetId }) => `had <#${targetId}> stored again`,
  "bots-excluded": () => "left out bots and webhooks and had their messages deleted",
  "bots-included": () => "had messages of bots and webhooks stored again",
  "retention-set": ({ detail }) =>
    `had messages kept ${detail === undefined ? "until they are deleted" : `for ${count(Number(detail), "day")}`}`,
  "member-removed": ({ targetId }) => `had everything deleted that <@${targetId}> had written`,
  "channel-expired": ({ targetId }) => `deleted what was stored of <#${targetId}>, which it could not read any more`,
};
