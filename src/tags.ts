// What can be said of a record in one word each, for the operators that narrow a search: one list column of the index holds them. Pure.

import { fold } from "./fold.ts";
import type { ArchivedRecord, Attachment } from "./ports/records.ts";
import type { Snowflake } from "./snowflake.ts";

export const HAS = ["link", "image", "video", "sound", "file", "embed", "code", "poll", "sticker", "forward"] as const;
/** What a record carries. */
export type Has = (typeof HAS)[number];

export const tags = {
  has: (what: Has) => `has:${what}`,
  /** @param host as `linkHosts` leaves it, or a part of it */
  link: (host: string) => `link:${host}`,
  /** @param extension of a file's name, in lower case */
  file: (extension: string) => `file:${extension}`,
  mentions: (id: Snowflake) => `mentions:${id}`,
  /** @param name as `nameKey` leaves it */
  by: (name: string) => `by:${name}`,
  pinned: "is:pinned",
  bot: "is:bot",
} as const;

/** Every tag is of this form, so that it can stand in a query of any kind as it is. */
export const TAG = /^[a-z]+:[\p{L}\p{M}\p{N}._-]+$/u;

const KINDS_OF_FILE = [
  ["image", /\.(png|jpe?g|gif|webp|avif|bmp|svg|heic)$/i],
  ["video", /\.(mp4|m4v|mov|webm|mkv|avi|mpe?g)$/i],
  ["audio", /\.(mp3|ogg|oga|opus|wav|flac|m4a|aac)$/i],
] as const;
const LINK = /https?:\/\/[^\s<>()[\]"'|]+/gi;
const MENTION = /<@[!&]?(\d{1,19})>/g;
/** More would be a list of links or of people, not a message about one of them. */
const MAX_EACH = 50;

/** The tags of a record, each once. */
export function tagsOf(record: ArchivedRecord): string[] {
  const found = new Set<string>();
  const { attachments = [], mentions = [] } = record;
  const written = `${record.content}\n${record.forwarded ?? ""}`;
  const has = (what: Has, isSo: boolean) => isSo && found.add(tags.has(what));
  const kinds = attachments.map(kindOfFile);

  const links = written.includes("://") ? (written.match(LINK) ?? []) : [];
  has("link", links.length > 0);
  has("image", kinds.includes("image"));
  has("video", kinds.includes("video"));
  has("sound", kinds.includes("audio"));
  has(
    "file",
    kinds.some((kind) => kind !== "image"),
  );
  has("embed", (record.embeds?.length ?? 0) > 0);
  has("code", written.includes("```"));
  has("poll", record.poll !== undefined);
  has("sticker", (record.stickers?.length ?? 0) > 0);
  has("forward", record.forwarded !== undefined);
  for (const host of links.slice(0, MAX_EACH).flatMap(partsOfHost)) found.add(tags.link(host));
  for (const { name } of attachments) {
    const [, extension] = /\.([a-z0-9]{1,10})$/i.exec(name) ?? [];
    if (extension) found.add(tags.file(extension.toLowerCase()));
  }
  const mentioned = written.includes("<@") ? Array.from(written.matchAll(MENTION), ([, id = ""]) => id) : [];
  for (const id of [...mentioned, ...mentions.map((mention) => mention.id)].slice(0, MAX_EACH)) {
    found.add(tags.mentions(id));
  }
  const name = nameKey(record.authorName);
  if (name !== "") found.add(tags.by(name));
  if (record.pinned) found.add(tags.pinned);
  if (record.bot) found.add(tags.bot);
  return [...found];
}

function kindOfFile({ name, contentType }: Attachment): string {
  if (contentType !== undefined) return contentType.split("/")[0] ?? "";
  return KINDS_OF_FILE.find(([, pattern]) => pattern.test(name))?.[0] ?? "";
}

/** "https://gist.github.com/x" is found by its host, by "github.com" and by "github". */
function partsOfHost(url: string): string[] {
  const host = hostOf(url);
  if (host === undefined) return [];
  const labels = host.split(".");
  const ends = labels.slice(0, -1).map((_, from) => labels.slice(from).join("."));
  return [...ends, ...labels.slice(0, -1)];
}

/** The host of an address, or what was typed as one: in lower case, without "www.". */
export function hostOf(typed: string): string | undefined {
  const address = /^https?:\/\//i.test(typed) ? typed : `http://${typed}`;
  const host = URL.canParse(address) ? new URL(address).hostname.replace(/^www\.|\.$/g, "") : "";
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host) ? host : undefined;
}

/**
 * A name as it is compared with others: letters and digits in their plainest form, one dash for all that stands between them.
 * "💬┃General-Chat", "𝓰𝓮𝓷𝓮𝓻𝓪𝓵 chat" and "general-chat" are the same. Empty for a name without a letter or digit.
 */
export function nameKey(name: string): string {
  return (fold(name).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).join("-");
}
