// What Discord accepts in a message's body, and the form it stores it in.
// Limits: https://discord.com/developers/docs/resources/message and .../components/reference

import {
  type APIEmbed,
  type APIMessageTopLevelComponent,
  ButtonStyle,
  ComponentType,
  MessageFlags,
} from "discord-api-types/v10";
import { createFormErrors, errors, type FormErrors } from "./discord-error.ts";

const CONTENT_LIMIT = 2000;
const EMBED_TOTAL_LIMIT = 6000;

/** The parts of a message body that creating, editing and answering interactions have in common. */
export interface MessageBody {
  readonly content?: string | null;
  readonly embeds?: readonly APIEmbed[] | null;
  readonly components?: readonly LooseComponent[] | null;
  readonly attachments?:
    | readonly { readonly id: string | number; readonly filename?: string; readonly description?: string }[]
    | null;
  readonly poll?: {
    readonly question: { readonly text?: string };
    readonly answers: readonly { readonly poll_media: { readonly text?: string } }[];
  } | null;
  readonly flags?: number | null;
}

/** A component as it came: any type, fields unchecked. */
export interface LooseComponent {
  readonly type: number;
  readonly custom_id?: string;
  readonly label?: string;
  readonly style?: number;
  readonly url?: string;
  readonly placeholder?: string;
  readonly options?: readonly unknown[];
  readonly components?: readonly LooseComponent[];
  readonly accessory?: LooseComponent;
}

/** @throws DiscordError 50035 naming every field that breaks a limit */
export function checkMessageBody(body: MessageBody): void {
  const form = createFormErrors();
  form.maxLength(["content"], body.content, CONTENT_LIMIT);
  form.maxItems(["attachments"], body.attachments, 10);
  checkEmbeds(form, body.embeds ?? []);
  checkComponents(form, body.components ?? [], ((body.flags ?? 0) & MessageFlags.IsComponentsV2) !== 0);
  form.throwIfAny();
}

/** @throws DiscordError 50006 when nothing would be shown */
export function checkNotEmpty(body: MessageBody, fileCount: number): void {
  const hasComponents = (body.components?.length ?? 0) > 0;
  const isEmpty = !body.content?.trim() && !body.embeds?.length && !body.poll && !hasComponents && fileCount === 0;
  if (isEmpty) throw errors.emptyMessage();
}

function checkEmbeds(form: FormErrors, embeds: readonly APIEmbed[]): void {
  form.maxItems(["embeds"], embeds, 10);
  let total = 0;
  for (const [index, embed] of embeds.entries()) {
    const at = (...path: (string | number)[]) => ["embeds", index, ...path];
    form.maxLength(at("title"), embed.title, 256);
    form.maxLength(at("description"), embed.description, 4096);
    form.maxLength(at("footer", "text"), embed.footer?.text, 2048);
    form.maxLength(at("author", "name"), embed.author?.name, 256);
    form.maxItems(at("fields"), embed.fields, 25);
    if (embed.color && (embed.color < 0 || embed.color > 0xff_ffff)) {
      form.add(at("color"), "NUMBER_TYPE_RANGE", "int value should be between 0 and 16777215.");
    }
    for (const [position, field] of (embed.fields ?? []).entries()) {
      form.maxLength(at("fields", position, "name"), field.name, 256);
      form.maxLength(at("fields", position, "value"), field.value, 1024);
      if (!field.name) form.add(at("fields", position, "name"), "BASE_TYPE_REQUIRED", "This field is required");
      if (!field.value) form.add(at("fields", position, "value"), "BASE_TYPE_REQUIRED", "This field is required");
    }
    const texts = [embed.title, embed.description, embed.footer?.text, embed.author?.name];
    for (const field of embed.fields ?? []) texts.push(field.name, field.value);
    const length = texts.reduce((sum, text) => sum + [...(text ?? "")].length, 0);
    if (length === 0 && !embed.image && !embed.thumbnail) {
      form.add(at("description"), "BASE_TYPE_REQUIRED", "This field is required");
    }
    total += length;
  }
  if (total > EMBED_TOTAL_LIMIT) {
    form.add(["embeds"], "MAX_EMBED_SIZE_EXCEEDED", `Embed size exceeds maximum size of ${EMBED_TOTAL_LIMIT}`);
  }
}

function checkComponents(form: FormErrors, components: readonly LooseComponent[], isVersion2: boolean): void {
  if (!isVersion2) form.maxItems(["components"], components, 5);
  const customIds = new Set<string>();
  const walk = (component: LooseComponent, path: (string | number)[], depth: number): void => {
    if (!isVersion2 && depth === 0 && component.type !== ComponentType.ActionRow) {
      form.add(path, "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).');
    }
    if (component.type === ComponentType.ActionRow) form.maxItems([...path, "components"], component.components, 5);
    if (component.type === ComponentType.Button) checkButton(form, component, path);
    form.maxLength([...path, "custom_id"], component.custom_id, 100);
    form.maxLength([...path, "placeholder"], component.placeholder, 150);
    form.maxItems([...path, "options"], component.options, 25);
    if (component.custom_id !== undefined) {
      if (customIds.has(component.custom_id)) {
        form.add([...path, "custom_id"], "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
      }
      customIds.add(component.custom_id);
    }
    for (const [index, child] of (component.components ?? []).entries())
      walk(child, [...path, "components", index], depth + 1);
    if (component.accessory) walk(component.accessory, [...path, "accessory"], depth + 1);
  };
  for (const [index, component] of components.entries()) walk(component, ["components", index], 0);
}

function checkButton(form: FormErrors, button: LooseComponent, path: readonly (string | number)[]): void {
  form.maxLength([...path, "label"], button.label, 80);
  if (button.style === ButtonStyle.Link) {
    if (!button.url) form.add([...path, "url"], "BASE_TYPE_REQUIRED", "A url is required");
    form.maxLength([...path, "url"], button.url, 512);
  } else if (!button.custom_id && button.style !== ButtonStyle.Premium) {
    form.add([...path, "custom_id"], "BASE_TYPE_REQUIRED", "A custom id is required");
  }
}

/** Embeds as Discord gives them back: of type "rich", with `inline` settled and without nulls. */
export function storedEmbeds(embeds: readonly APIEmbed[] | null | undefined): APIEmbed[] {
  return (embeds ?? []).map((embed) => ({
    ...withoutNulls(embed),
    type: "rich" as APIEmbed["type"] & string,
    ...(embed.timestamp ? { timestamp: new Date(embed.timestamp).toISOString() } : {}),
    ...(embed.footer ? { footer: withoutNulls(embed.footer) } : {}),
    ...(embed.author ? { author: withoutNulls(embed.author) } : {}),
    ...(embed.fields
      ? { fields: embed.fields.map(({ name, value, inline }) => ({ name, value, inline: inline ?? false })) }
      : {}),
  })) as APIEmbed[];
}

/** Components as Discord gives them back: every one numbered, with its defaults. */
export function storedComponents(
  components: readonly LooseComponent[] | null | undefined,
): APIMessageTopLevelComponent[] {
  let nextNumber = 1;
  const store = (component: LooseComponent): Record<string, unknown> => {
    const id = nextNumber++;
    return {
      ...defaultsOf(component),
      ...withoutNulls(component),
      id,
      ...(component.components ? { components: component.components.map(store) } : {}),
      ...(component.accessory ? { accessory: store(component.accessory) } : {}),
    };
  };
  return (components ?? []).map(store) as unknown as APIMessageTopLevelComponent[];
}

function defaultsOf(component: LooseComponent): Record<string, unknown> {
  const isSelect = component.type === ComponentType.StringSelect || component.type >= ComponentType.UserSelect;
  if (component.type === ComponentType.Container) return { accent_color: null, spoiler: false };
  return isSelect && component.type <= ComponentType.ChannelSelect ? { min_values: 1, max_values: 1 } : {};
}

function withoutNulls<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null && part !== undefined)) as T;
}
