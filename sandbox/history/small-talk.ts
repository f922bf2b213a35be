// Makes small talk out of hand-written exchanges: picks the speakers, fills the words, and never says a longer line twice.

import { type Conversation, type Line, parseConversations } from "./parse.ts";
import type { Random } from "./timeline.ts";

/** A line at most this long may come again ("thanks!", "same"). */
const SHORT_LINE = 20;
const TRIES = 12;

export interface Exchange {
  readonly channel: string;
  readonly conversation: Conversation;
}

/**
 * Small talk for as long as it stays new, each exchange as rarely repeated as possible.
 * @param text see FORMAT.md
 * @param speakers names that `A`, `B`, `C` may stand for
 */
export function* smallTalk(text: string, speakers: readonly string[], random: Random): Generator<Exchange> {
  const words = new Map<string, readonly string[]>();
  const written = text.replace(/^= (\w+): (.+)$/gm, (_, word: string, choices: string) => {
    words.set(word, choices.split(" | "));
    return "";
  });
  const templates = parseConversations(written, "small-talk.txt").flatMap((conversation) => {
    const [channels = "", times = "x1"] = conversation.header.split(" ");
    return Array.from({ length: Number(times.slice(1)) }, () => ({ channels: channels.split(","), conversation }));
  });
  const said = new Set<string>();
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;

  // Ends when every exchange has been said in every way that was tried.
  for (let fresh = true; fresh; ) {
    fresh = false;
    for (const { channels, conversation } of shuffled(templates, random)) {
      for (let tries = 0; tries < TRIES; tries++) {
        const lines = fill(conversation, words, shuffled(speakers, random), pick, random);
        const long = lines.map((line) => line.content).filter((content) => content.length > SHORT_LINE);
        if (long.some((content) => said.has(content))) continue;
        for (const content of long) said.add(content);
        fresh = true;
        yield { channel: pick(channels), conversation: { header: "", lines } };
        break;
      }
    }
  }
}

function fill(
  conversation: Conversation,
  words: ReadonlyMap<string, readonly string[]>,
  speakers: readonly string[],
  pick: <T>(choices: readonly T[]) => T,
  random: Random,
): Line[] {
  const chosen = new Map<string, string>();
  const filled = (content: string): string =>
    content
      // The same word stays the same within an exchange; {word2} is another one.
      .replace(/\{([^{}]+)\}/g, (_, slot: string) => {
        const known = chosen.get(slot) ?? pick(words.get(slot.replace(/\d$/, "")) ?? slot.split("|"));
        if (!slot.includes("|")) chosen.set(slot, known);
        return known;
      })
      .replace(/@([ABC])\b/g, (_, letter: string) => `@${speaker(letter)}`);
  const speaker = (letter: string): string =>
    letter.length === 1 ? (speakers["ABC".indexOf(letter)] ?? letter) : letter;
  return conversation.lines
    .filter((line) => !line.optional || random() < 0.5)
    .map((line) => ({
      ...line,
      speaker: speaker(line.speaker),
      content: filled(line.content),
      attachments: line.attachments.map((file) => ({
        ...file,
        name: filled(file.name),
        ...(file.alt && { alt: filled(file.alt) }),
      })),
    }));
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
