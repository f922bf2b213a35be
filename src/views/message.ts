// The form of everything we send: a Discord message payload that pings nobody and stays within Discord's limits, whatever goes in.
// Limits: https://discord.com/developers/docs/resources/message#embed-object-embed-limits

import {
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
  type APIEmbed,
  ButtonStyle,
  ComponentType,
} from "discord-api-types/v10";
import { clip, count, wellFormed } from "./words.ts";

/** A message as Discord's API takes it. */
export interface View {
  readonly content: string;
  readonly embeds: APIEmbed[];
  readonly components: APIActionRowComponent<APIButtonComponentWithCustomId>[];
  readonly allowed_mentions: { readonly parse: never[] };
}

export type Button = APIButtonComponentWithCustomId;

const limits = {
  content: 2_000,
  title: 256,
  description: 4_096,
  fieldName: 256,
  field: 1_024,
  fields: 25,
  footer: 2_048,
  all: 6_000,
};

/** What all our custom ids begin with; any other belongs to the host bot. */
export const customIdNamespace = "backscroll";

/** "backscroll:<command>:<action>[:<argument>...]", which commands/index.ts takes apart again. */
export function customId(command: string, action: string, ...args: readonly string[]): string {
  return [customIdNamespace, command, action, ...args].join(":");
}

export function button(
  label: string,
  id: string,
  style: "primary" | "secondary" | "success" | "danger" = "secondary",
  disabled = false,
): Button {
  const styles = {
    primary: ButtonStyle.Primary,
    secondary: ButtonStyle.Secondary,
    success: ButtonStyle.Success,
    danger: ButtonStyle.Danger,
  } as const;
  return { type: ComponentType.Button, style: styles[style], label, custom_id: id, disabled };
}

/** Embed colours by mood. */
export const colors = { neutral: 0x5865f2, good: 0x2ecc71, warning: 0xf1c40f, bad: 0xe74c3c, quiet: 0x95a5a6 } as const;

interface MessageParts {
  readonly content?: string;
  readonly embeds?: readonly APIEmbed[];
  /** One row. */
  readonly buttons?: readonly Button[];
  /** Further rows of buttons below; empty ones are left out. */
  readonly moreButtons?: readonly (readonly Button[])[];
}

/**
 * A payload within the limits. Parts that are too long are cut with "…"; what does not fit into the 6,000 characters that all
 * embeds of a message share is cut from the end.
 */
export function message(parts: MessageParts): View {
  let room = limits.all;
  const take = (text: string | undefined, max: number): string => {
    const kept = clip(wellFormed(text ?? ""), Math.min(max, room));
    room -= kept.length;
    return kept;
  };
  const embeds = (parts.embeds ?? []).slice(0, 10).flatMap((embed) => {
    const { title, description, fields = [], footer, ...rest } = embed;
    // The footer is settled first: it is short, and says what a cut-off list does not.
    const footerText = take(footer?.text, limits.footer);
    const kept: APIEmbed = { ...rest };
    const titleText = take(title, limits.title);
    if (titleText) kept.title = titleText;
    const descriptionText = take(description, limits.description);
    if (descriptionText) kept.description = descriptionText;
    const keptFields = fields
      .slice(0, limits.fields)
      .filter(({ value }) => value !== "")
      .flatMap((field) => {
        if (room < 40) return [];
        const name = take(field.name, limits.fieldName);
        const value = take(field.value, limits.field);
        return name && value ? [{ name, value, inline: field.inline ?? false }] : [];
      });
    if (keptFields.length > 0) kept.fields = keptFields;
    if (footerText) kept.footer = { text: footerText };
    return kept.title || kept.description || kept.fields || kept.footer ? [kept] : [];
  });
  const rows = [parts.buttons ?? [], ...(parts.moreButtons ?? [])].filter((row) => row.length > 0);
  return {
    content: clip(wellFormed(parts.content ?? ""), limits.content),
    embeds,
    components: rows.slice(0, 5).map((row) => ({ type: ComponentType.ActionRow, components: row.slice(0, 5) })),
    allowed_mentions: { parse: [] },
  };
}

/** One line of text, and what can be done about it. */
export function sentence(content: string, buttons: readonly Button[] = []): View {
  return message({ content, buttons });
}

/** One embed, with what goes around it. */
export function card(card: APIEmbed & Omit<MessageParts, "embeds">): View {
  const { content = "", buttons = [], moreButtons = [], ...embed } = card;
  return message({ content, embeds: [embed], buttons, moreButtons });
}

/** Those of some lines that there are. */
export function joinLines(...some: readonly (string | false | undefined)[]): string {
  return some.filter(Boolean).join("\n");
}

/** Lines joined as long as they fit; the rest is counted. */
export function fitLines(
  lines: readonly string[],
  max: number,
  more = (left: number) => `and ${count(left)} more`,
): string {
  const kept: string[] = [];
  let length = 0;
  for (const [at, line] of lines.entries()) {
    const left = lines.length - at - 1;
    const reserve = left > 0 ? more(left + 1).length + 1 : 0;
    if (length + line.length + 1 + reserve > max) return [...kept, more(left + 1)].join("\n");
    kept.push(line);
    length += line.length + 1;
  }
  return kept.join("\n");
}
