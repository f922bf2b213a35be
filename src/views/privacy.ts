// The replies of /privacy, and what a member gets when they ask for their words. Pure.

import type { ChannelType } from "../ports/archive.ts";
import type { KeptWhere, StoredAbout } from "../ports/privacy.ts";
import type { ArchivedRecord } from "../ports/records.ts";
import { snowflakeTime } from "../snowflake.ts";
import { button, card, colors, customId, sentence, type View } from "./message.ts";
import { count, jumpLink, moment, plain } from "./words.ts";

const PLACES: Readonly<Record<ChannelType, string>> = {
  text: "text channels",
  announcement: "announcement channels",
  voice: "voice channels",
  forum: "forums",
  "public-thread": "threads",
  "private-thread": "private threads",
  other: "other channels",
};

/** What no removal takes. */
const STAYS =
  "Your words in others' messages, quoted or forwarded, stay: Discord does not say whose they are. Backups that whoever runs this bot has made are not reached from here: ask them. Discord's own copies are yours to delete on Discord.";

export function storedView(about: StoredAbout, where: KeptWhere): View {
  const total = [...about.messages.values()].reduce((sum, each) => sum + each, 0);
  const byPlace = [...about.messages]
    .sort(([, one], [, other]) => other - one)
    .map(([type, messages]) => `${count(messages)} in ${PLACES[type]}`);
  return card({
    title: "What is stored about you in this server",
    color: about.isOptedOut ? colors.quiet : colors.neutral,
    description: stateOf(about),
    fields: [
      {
        name: count(total, "message"),
        value: [
          ...byPlace,
          ...(about.oldestId === undefined ? [] : [`The oldest is from ${moment(snowflakeTime(about.oldestId))}.`]),
          "Of each: its text, the names and descriptions of its files, your name and id, where and when it was written. No files.",
        ].join("\n"),
      },
      {
        name: count(about.notes, "note"),
        value:
          about.savedByOthers === 0
            ? "Written by you, or saved from messages."
            : `Written by you, or saved from messages. ${count(about.savedByOthers, "note")} that others have saved from your messages: deleted with the rest.`,
      },
      { name: "Where", value: whereIs(where) },
      { name: "How long", value: howLong(about, where) },
    ],
  });
}

function stateOf({ isOptedOut, isBeingRemoved, deletedBeforeId }: StoredAbout): string {
  const under = isBeingRemoved ? "What there is of you is being deleted at this moment. " : "";
  if (isOptedOut) return `${under}You have opted out: nothing of yours is stored, only your id, to know that.`;
  if (deletedBeforeId === undefined)
    return `${under}What is stored makes your messages findable by those who can read them on Discord.`;
  return `${under}What you wrote before ${moment(snowflakeTime(deletedBeforeId))} was deleted at your request and is not stored again.`;
}

function whereIs({ isLocal, modelId, modelHost, isModelNear }: KeptWhere): string {
  const kept = isLocal
    ? "On the machine that this bot runs on."
    : "In a database and a file store on the network, which whoever runs this bot has chosen.";
  const read =
    modelHost === undefined
      ? `The search model ${plain(modelId)} reads it there: no text is sent anywhere else.`
      : isModelNear
        ? `The search model ${plain(modelId)} reads it on the same machine or in its network (${plain(modelHost)}): no text is sent anywhere else.`
        : `The search model ${plain(modelId)} reads it: each text leaves this machine and is sent to ${plain(modelHost)}.`;
  return `${kept} ${read} Nothing is used to train a model.`;
}

function howLong({ keptSinceId }: StoredAbout, where: KeptWhere): string {
  const kept =
    keptSinceId === undefined
      ? "Until you delete it, on Discord or here, or until the bot is removed and its data deleted."
      : `Until you delete it, on Discord or here. Messages leave by themselves when they are too old: now, those from before ${moment(snowflakeTime(keptSinceId))}.`;
  return `${kept} What is deleted is found no more at once. ${traces(where)} ${STAYS}`;
}

function traces({ keepDeletedHours, isLocal }: KeptWhere): string {
  const within = `Last traces in files go within ${count(keepDeletedHours, "hour")}`;
  return isLocal ? `${within}.` : `${within}, but a database server may keep them in its own files for longer.`;
}

/** Before anything is deleted. */
export function askView(what: "delete" | "opt-out", about: StoredAbout): View {
  const total = [...about.messages.values()].reduce((sum, each) => sum + each, 0);
  const saved =
    about.savedByOthers > 0 ? ` ${count(about.savedByOthers, "note")} of others with your words go too.` : "";
  const all = `${count(total, "message")} and ${count(about.notes, "note")} of yours in this server`;
  const text =
    what === "delete"
      ? `This deletes what is stored of ${all}; they are not stored again. What you write from now on is.`
      : `This deletes what is stored of ${all}. From now on nothing of yours is stored or made searchable; only your id is kept, to know that.`;
  return card({
    title: what === "delete" ? "Delete everything of yours?" : "Opt out?",
    color: colors.warning,
    description: `${text}${saved} Notes cannot be brought back. Your messages on Discord stay there. ${STAYS}`,
    buttons: [
      button(what === "delete" ? "Delete everything" : "Opt out", customId("privacy", what), "danger"),
      button("Keep it", customId("privacy", "keep")),
    ],
  });
}

export function keptView(): View {
  return card({ color: colors.quiet, description: "Nothing was changed." });
}

export function removingView(): View {
  return sentence("🗑️ What there is of you is being deleted…");
}

/** @param isDone false: it goes on, but this reply cannot be changed for much longer */
export function removedView(what: "delete" | "opt-out", isDone: boolean, where: KeptWhere): View {
  const gone = `✅ Everything of yours is deleted: messages, notes, and what was made of them for the search. ${traces(where)}`;
  const going =
    "🗑️ It is being deleted and will be, also if the bot is restarted meanwhile. Ask again what is stored of you to see what is left.";
  const next =
    what === "delete"
      ? "What you write from now on is stored again; opting out ends that."
      : "Nothing of yours is stored from now on. Opting in takes that back.";
  return card({
    color: isDone ? colors.good : colors.warning,
    description: [isDone ? gone : going, next, STAYS].join("\n"),
  });
}

export function optedInView(isTakenBack: boolean): View {
  return card({
    color: colors.good,
    description: isTakenBack
      ? [
          "✅ What you write from now on is stored and searchable again.",
          "What you wrote before and is still on Discord comes back as the bot compares the server's history with Discord: slowly, and as far back as it has read each channel. The rest comes with the admins' next backfill from Discord. Notes are gone.",
        ].join("\n")
      : "You have not opted out: what you write is stored.",
  });
}

export interface Exported {
  readonly messages: number;
  readonly notes: number;
  /** Did not fit any more. */
  readonly left: number;
}

/** @param part counted from 1 */
export function exportView({ messages, notes, left }: Exported, part: number, isLast: boolean): View {
  const what = `${count(messages, "message")} and ${count(notes, "note")}`;
  const more = left > 0 ? ` ${count(left, "record")} more do not fit: ask whoever runs this bot for them.` : "";
  if (messages + notes + left === 0) {
    return card({ color: colors.quiet, description: "Nothing is stored of you in this server." });
  }
  const text = isLast
    ? `${part === 1 ? "This is" : `This is the last of ${count(part, "file")}, with`}`
    : `File ${part}, with`;
  return sentence(`📦 ${text} ${what}.${more}`);
}

/** As it stands in the file. */
export function exportedRecord(guildId: string, record: ArchivedRecord, channelName: string | undefined) {
  const { kind, id, channelId, accessChannelId: _, ...fields } = record;
  return {
    kind,
    id,
    writtenAt: new Date(snowflakeTime(id)).toISOString(),
    channelId,
    ...(channelName !== undefined && { channel: channelName }),
    ...(kind === "message" && { link: jumpLink(guildId, channelId, id) }),
    ...fields,
  };
}
