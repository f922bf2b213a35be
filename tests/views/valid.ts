// Checks a view against Discord's own API description and the limits that description does not tell.

import { expect } from "vitest";
import type { View } from "../../src/views/message.ts";

interface Schema {
  safeParse(value: unknown): { readonly error?: unknown };
}

// The package declares no types for its schemas; a specifier that is not a literal keeps the compiler from asking.
const specification = "discord-api-spec/zod";
const schemas = (await import(specification)) as Readonly<Record<string, Schema>>;
const messageSchemas = [
  "MessageCreateRequestSchema",
  "MessageEditRequestPartialSchema",
  "IncomingWebhookUpdateRequestPartialSchema",
];

/** Everything in a view that people can read. */
export function textOf(view: View): string {
  return [view.content, ...embedTexts(view)].filter(Boolean).join("\n");
}

function embedTexts(view: View): string[] {
  return view.embeds.flatMap(({ title, description, fields = [], footer }) => [
    title ?? "",
    description ?? "",
    ...fields.flatMap(({ name, value }) => [name, value]),
    footer?.text ?? "",
  ]);
}

/** What Discord counts against the 6,000 that the embeds of a message share. */
export function embedCharacters(view: View): number {
  return embedTexts(view).reduce((sum, text) => sum + text.length, 0);
}

export function buttonLabels(view: View): string[] {
  return view.components.flatMap((row) => row.components.map((component) => component.label ?? ""));
}

/** Fails unless Discord would take the view as a new message, as an edit and as an interaction's reply. */
export function expectSendable(view: View): void {
  for (const name of messageSchemas) {
    const schema = schemas[name];
    if (!schema) throw new Error(`the API description has no ${name}`);
    expect(schema.safeParse(view).error).toBeUndefined();
  }
  expect(view.allowed_mentions).toEqual({ parse: [] });
  expect(view.content !== "" || view.embeds.length > 0).toBe(true);
  for (const embed of view.embeds) {
    expect(embed.title || embed.description || embed.fields?.length || embed.footer).toBeTruthy();
    for (const field of embed.fields ?? []) {
      expect(field.name.trim()).not.toBe("");
      expect(field.value.trim()).not.toBe("");
    }
  }
  expect(embedCharacters(view)).toBeLessThanOrEqual(6_000);
  expect(textOf(view)).not.toMatch(/\p{Surrogate}/u);
  expect(textOf(view)).not.toMatch(/NaN|undefined|Infinity|\[object/);
  const ids = view.components.flatMap((row) => row.components.map(({ custom_id }) => custom_id));
  expect(new Set(ids).size).toBe(ids.length);
  for (const row of view.components) {
    expect(row.components.length).toBeGreaterThan(0);
    expect(row.components.length).toBeLessThanOrEqual(5);
    for (const { custom_id } of row.components) {
      expect(custom_id.startsWith("backscroll:")).toBe(true);
      expect(custom_id.length).toBeLessThanOrEqual(100);
    }
  }
}
