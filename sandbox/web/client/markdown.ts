// Discord's markdown as a tree. Pure: what the tree looks like is markdown-view.ts.
// Source: https://discord.com/developers/docs/reference#message-formatting

export type Inline =
  | { readonly kind: "text" | "code" | "everyone" | "command" | "emoji"; readonly text: string }
  | { readonly kind: "bold" | "italic" | "underline" | "strike" | "spoiler"; readonly inner: readonly Inline[] }
  | { readonly kind: "link"; readonly url: string; readonly inner: readonly Inline[] | undefined }
  | { readonly kind: "user" | "role" | "channel"; readonly id: string }
  | { readonly kind: "time"; readonly timeMs: number; readonly style: string };

export type Block =
  | { readonly kind: "paragraph" | "subtext"; readonly inner: readonly Inline[] }
  | { readonly kind: "heading"; readonly level: 1 | 2 | 3; readonly inner: readonly Inline[] }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] }
  | { readonly kind: "fence"; readonly language: string; readonly text: string }
  | { readonly kind: "list"; readonly ordered: boolean; readonly first: number; readonly items: readonly Item[] };

export interface Item {
  readonly depth: number;
  readonly inner: readonly Inline[];
}

type Rule = readonly [pattern: RegExp, make: (found: RegExpExecArray, depth: number) => Inline];

/** Nobody nests deeper; it bounds the work a hostile text can make. */
const DEEPEST = 12;

const wrapped =
  (kind: "bold" | "italic" | "underline" | "strike" | "spoiler") =>
  (found: RegExpExecArray, depth: number): Inline => ({ kind, inner: parseInline(found[1] ?? "", depth + 1) });

/** Tried in this order at each place of a text; the first that fits wins. Only http and https become links. */
const rules: readonly Rule[] = [
  [/\\([^\p{L}\p{N}\s])/uy, ([, text = ""]) => ({ kind: "text", text })],
  [/(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/y, ([, , text = ""]) => ({ kind: "code", text: text.trim() || text })],
  [/\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/y, wrapped("bold")],
  [/\*(?=\S)((?:\\[\s\S]|\*\*|[^\\*])+?)\*(?!\*)/y, wrapped("italic")],
  [/__((?:\\[\s\S]|[^\\])+?)__(?!_)/y, wrapped("underline")],
  [/\b_((?:__|\\[\s\S]|[^\\_])+?)_\b/y, wrapped("italic")],
  [/~~([\s\S]+?)~~/y, wrapped("strike")],
  [/\|\|([\s\S]+?)\|\|/y, wrapped("spoiler")],
  [
    /\[((?:\\.|[^\]\\\n])+)\]\(<?(https?:\/\/[^\s<>)]+)>?(?: "[^"]*")?\)/y,
    ([, label = "", url = ""], depth) => ({ kind: "link", url, inner: parseInline(label, depth + 1) }),
  ],
  [/<(https?:\/\/[^\s>]+)>/y, ([, url = ""]) => ({ kind: "link", url, inner: undefined })],
  [/https?:\/\/[^\s<]*[^\s<.,:;"'\])*_|~`]/y, ([url]) => ({ kind: "link", url, inner: undefined })],
  [/<@!?(\d+)>/y, ([, id = ""]) => ({ kind: "user", id })],
  [/<@&(\d+)>/y, ([, id = ""]) => ({ kind: "role", id })],
  [/<#(\d+)>/y, ([, id = ""]) => ({ kind: "channel", id })],
  [
    /<t:(-?\d{1,13})(?::([tTdDfFR]))?>/y,
    ([, seconds, style = "f"]) => ({ kind: "time", timeMs: Number(seconds) * 1_000, style }),
  ],
  [/<a?:(\w+):\d+>/y, ([, text = ""]) => ({ kind: "emoji", text })],
  [/<\/([^:>]+):\d+>/y, ([, text = ""]) => ({ kind: "command", text })],
  [/@(?:everyone|here)\b/y, ([text]) => ({ kind: "everyone", text })],
];

/** Where a rule could begin; text up to there is taken as it is. */
const nextMark = /[\\`*_~|[<@]|\bhttps?:/g;

export function parseInline(text: string, depth = 0): Inline[] {
  if (depth > DEEPEST) return [{ kind: "text", text }];
  const parts: Inline[] = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const made = firstRule(text, at, depth);
    if (made) {
      if (plain) parts.push({ kind: "text", text: plain });
      plain = "";
      parts.push(made.part);
      at = made.end;
    } else {
      nextMark.lastIndex = at + 1;
      const end = nextMark.exec(text)?.index ?? text.length;
      plain += text.slice(at, end);
      at = end;
    }
  }
  if (plain) parts.push({ kind: "text", text: plain });
  return parts;
}

function firstRule(text: string, at: number, depth: number): { part: Inline; end: number } | undefined {
  for (const [pattern, make] of rules) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return { end: at + found[0].length, part: make(found, depth) };
  }
  return undefined;
}

export function parseMarkdown(text: string): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  for (const fence of text.matchAll(/```(?:([\w+#.-]+)\n)?\n?([\s\S]*?)\n?```/g)) {
    blocks.push(...parseLines(text.slice(at, fence.index).replace(/\n$/, "")));
    blocks.push({ kind: "fence", language: fence[1] ?? "", text: fence[2] ?? "" });
    at = fence.index + fence[0].length;
    if (text[at] === "\n") at++;
  }
  return [...blocks, ...parseLines(text.slice(at))];
}

const listItem = /^(\s*)([-*]|\d{1,9}\.)\s+(\S.*)$/;

function parseLines(text: string): Block[] {
  if (text === "") return [];
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let plain: string[] = [];
  const flush = () => {
    if (plain.length > 0) blocks.push({ kind: "paragraph", inner: parseInline(plain.join("\n")) });
    plain = [];
  };
  /** Takes lines as long as they fit, beginning with the one at hand. */
  const take = (first: string, fits: RegExp): string[] => {
    const taken = [first];
    while (lines[0] !== undefined && fits.test(lines[0])) taken.push(lines.shift() ?? "");
    return taken;
  };
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const heading = /^(#{1,3})\s+(\S.*)$/.exec(line);
    const item = listItem.exec(line);
    if (line.startsWith(">>> ")) {
      flush();
      blocks.push({ kind: "quote", blocks: parseLines([line.slice(4), ...lines.splice(0)].join("\n")) });
    } else if (line.startsWith("> ")) {
      flush();
      const quoted = take(line, /^>(?: |$)/).map((each) => each.slice(2));
      blocks.push({ kind: "quote", blocks: parseLines(quoted.join("\n")) });
    } else if (heading) {
      flush();
      const level = (heading[1] ?? "#").length as 1 | 2 | 3;
      blocks.push({ kind: "heading", level, inner: parseInline(heading[2] ?? "") });
    } else if (/^-#\s+\S/.test(line)) {
      flush();
      blocks.push({ kind: "subtext", inner: parseInline(line.replace(/^-#\s+/, "")) });
    } else if (item) {
      flush();
      const items = take(line, listItem).map((each): Item => {
        const [, indent = "", , content = ""] = listItem.exec(each) ?? [];
        return { depth: Math.min(3, Math.floor(indent.length / 2)), inner: parseInline(content) };
      });
      const first = Number.parseInt(item[2] ?? "", 10);
      blocks.push({ kind: "list", ordered: !Number.isNaN(first), first: Number.isNaN(first) ? 1 : first, items });
    } else {
      plain.push(line);
    }
  }
  flush();
  return blocks;
}

/** The words alone, e.g. for titles and labels. */
export function plainText(text: string): string {
  const words = (parts: readonly Inline[]): string =>
    parts
      .map((part) => {
        if ("text" in part) return part.text;
        if (part.kind === "link") return part.inner ? words(part.inner) : part.url;
        return "inner" in part ? words(part.inner) : "";
      })
      .join("");
  return words(parseInline(text));
}
