// The operators of a query: one entry here is all there is to one, from how it is read to its line in docs/searching.md. Pure.

import type { RecordKind } from "../ports/records.ts";
import { HAS, type Has, hostOf, tags } from "../tags.ts";
import { parseSpan, type Span, startAfter } from "./dates.ts";

/** What an operator with its value narrows a search to. Names are looked up later, see narrow.ts. */
export type Meaning =
  | { readonly by: "author" | "channel" | "mention"; readonly name: string }
  | { readonly by: "tag"; readonly tag: string }
  /** What does not have it. */
  | { readonly by: "no-tag"; readonly tag: string }
  | { readonly by: "kind"; readonly kind: RecordKind }
  /** Milliseconds since 1970: from `start` on, and before `end`. */
  | { readonly by: "time"; readonly start?: number; readonly end?: number };

export interface Operator {
  readonly name: string;
  readonly aliases: readonly string[];
  /** Its line in the docs: what people write, and what that finds. Markdown. */
  readonly help: { readonly write: string; readonly finds: string };
  /** What is offered while its value is typed. */
  readonly offers: "people" | "channels" | "dates" | readonly string[];
  /** @returns undefined for a value that makes no sense; several: any of them. @param now milliseconds since 1970 */
  read(value: string, now: number): Meaning | readonly Meaning[] | undefined;
}

const KINDS_OF_HAS: ReadonlyMap<string, Has> = new Map(
  [
    ...HAS.map((has) => [has, has] as const),
    ...HAS.map((has) => [`${has}s`, has] as const),
    ["audio", "sound"] as const,
    ["snapshot", "forward"] as const,
    ...["photo", "photos", "pic", "pics", "picture", "pictures"].map((word) => [word, "image"] as const),
  ].map(([word, has]) => [word, has]),
);
/** What is several things. */
const ATTACHMENT = [tags.has("file"), tags.has("image")];
const GIF = [tags.file("gif"), tags.link("tenor"), tags.link("giphy")];
const ANY_OF: ReadonlyMap<string, readonly string[]> = new Map([
  ["attachment", ATTACHMENT],
  ["attachments", ATTACHMENT],
  ["gif", GIF],
  ["gifs", GIF],
]);
const YES = /^(true|yes|1)$/i;
const NO = /^(false|no|0)$/i;

const named =
  (by: "author" | "channel" | "mention") =>
  (value: string): Meaning | undefined => {
    const name = asName(value);
    return name === "" ? undefined : { by, name };
  };

const dated =
  (bounds: (span: Span, now: number) => Partial<Span>) =>
  (value: string, now: number): Meaning | undefined => {
    const span = parseSpan(value, now);
    return span && { by: "time", ...bounds(span, now) };
  };

export const operators: readonly Operator[] = [
  {
    name: "from",
    aliases: ["author", "by"],
    help: {
      write: '`from:ada`, `from:@Ada`, `from:me`, `from:"IRC: dave"`',
      finds: "only by her, or you; also by who has left, and under the names of bridges and webhooks",
    },
    offers: "people",
    read: named("author"),
  },
  {
    name: "in",
    aliases: ["channel"],
    help: {
      write: '`in:general`, `in:#general`, `in:"side talk"`',
      finds: "only in this channel and its threads, or this thread; `in:general` is `💬┃General`, too",
    },
    offers: "channels",
    read: named("channel"),
  },
  {
    name: "mentions",
    aliases: ["mention"],
    help: {
      write: "`mentions:ada`, `mentions:me`, `mentions:moderators`",
      finds: "only what mentions her, you, or a role",
    },
    offers: "people",
    read: named("mention"),
  },
  {
    name: "has",
    aliases: [],
    help: { write: HAS.map((has) => `\`has:${has}\``).join(", "), finds: "only what carries one" },
    offers: HAS,
    read: (value) => {
      const word = value.toLowerCase();
      const has = KINDS_OF_HAS.get(word);
      if (has) return { by: "tag", tag: tags.has(has) };
      return ANY_OF.get(word)?.map((tag) => ({ by: "tag", tag }));
    },
  },
  {
    name: "link",
    aliases: ["url", "site"],
    help: { write: "`link:github.com`, `link:youtube`", finds: "only what links there" },
    offers: [],
    read: (value) => {
      const host = hostOf(value);
      return host === undefined ? undefined : { by: "tag", tag: tags.link(host) };
    },
  },
  {
    name: "file",
    aliases: ["filetype", "ext"],
    help: { write: "`file:pdf`", finds: "only with a file whose name ends so" },
    offers: ["pdf", "zip", "png", "jpg", "mp4", "txt"],
    read: (value) => {
      const [, extension] = /^(?:\*?\.)?([a-z0-9]{1,10})$/i.exec(value) ?? [];
      return extension === undefined ? undefined : { by: "tag", tag: tags.file(extension.toLowerCase()) };
    },
  },
  {
    name: "pinned",
    aliases: ["is"],
    help: { write: "`pinned:true`, `is:pinned`", finds: "only what is pinned" },
    offers: ["true", "false"],
    read: (value) => either(/^pinned$/i.test(value) ? "true" : value, tags.pinned),
  },
  {
    name: "authortype",
    aliases: [],
    help: { write: "`authortype:bot`, `authortype:user`", finds: "only by bots and webhooks, or only by people" },
    offers: ["user", "bot"],
    read: (value) => {
      if (/^(bot|webhook)$/i.test(value)) return { by: "tag", tag: tags.bot };
      return /^(user|person)$/i.test(value) ? { by: "no-tag", tag: tags.bot } : undefined;
    },
  },
  {
    name: "kind",
    aliases: [],
    help: { write: "`kind:note`", finds: "only notes, or with `kind:message` only messages" },
    offers: ["message", "note"],
    read: (value) => {
      const [, kind] = /^(message|note)s?$/i.exec(value) ?? [];
      return kind === undefined ? undefined : { by: "kind", kind: kind.toLowerCase() === "note" ? "note" : "message" };
    },
  },
  {
    name: "before",
    aliases: [],
    help: { write: "`before:2025-03-01`, `before:march`", finds: "only earlier" },
    offers: "dates",
    read: dated(({ start }) => ({ end: start })),
  },
  {
    name: "after",
    aliases: [],
    help: {
      write: '`after:yesterday`, `after:7d`, `after:"3 weeks ago"`',
      finds: "only later: dates, months, years, ages, `2025-03-01T14:30`, Discord's `<t:…>`",
    },
    offers: "dates",
    read: dated((span, now) => ({ start: startAfter(span, now) })),
  },
  {
    name: "since",
    aliases: [],
    help: { write: "`since:2024`", finds: "from the beginning of then on" },
    offers: "dates",
    read: dated(({ start }) => ({ start })),
  },
  {
    name: "during",
    aliases: ["on"],
    help: { write: '`during:2024`, `on:yesterday`, `during:"last week"`', finds: "only then" },
    offers: "dates",
    read: dated((span) => span),
  },
];

const byName = new Map(
  operators.flatMap((operator) => [operator.name, ...operator.aliases].map((name) => [name, operator])),
);

/** @param name in any case */
export function operatorNamed(name: string): Operator | undefined {
  return byName.get(name.toLowerCase());
}

/** True for what is surely meant as an operator: Discord's own that we do not have, and ours with one letter wrong. */
export function looksLikeOperator(name: string): boolean {
  const typed = name.toLowerCase();
  if (byName.has(typed) || typed === "sort" || typed === "mentioned") return true;
  return typed.length >= 4 && operators.some((operator) => differsByOne(typed, operator.name));
}

/** One letter more, less or other, or two that changed places. */
function differsByOne(one: string, other: string): boolean {
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  const [rest, wanted] = [one.slice(start), other.slice(start)];
  return (
    rest.slice(1) === wanted ||
    rest === wanted.slice(1) ||
    rest.slice(1) === wanted.slice(1) ||
    (rest[0] === wanted[1] && rest[1] === wanted[0] && rest.slice(2) === wanted.slice(2))
  );
}

function either(value: string, tag: string): Meaning | undefined {
  if (YES.test(value)) return { by: "tag", tag };
  return NO.test(value) ? { by: "no-tag", tag } : undefined;
}

/** `<@123>`, `<#123>`, `@name`, `#name`, `name`: an id or a name. */
function asName(value: string): string {
  return /^<(?:@[!&]?|#)(\d+)>$/.exec(value)?.[1] ?? value.replace(/^[@#]/, "").trim().toLowerCase();
}
