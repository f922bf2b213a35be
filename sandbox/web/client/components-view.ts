// Buttons and select menus below a message, usable by mouse and by keyboard.

import { type APIMessage, ButtonStyle, ComponentType } from "discord-api-types/v10";
import { html, nothing, type TemplateResult } from "lit";
import { markdown } from "./markdown-view.ts";
import type { Scene } from "./scene.ts";

type Component = NonNullable<APIMessage["components"]>[number];
type RowPart = Extract<Component, { type: ComponentType.ActionRow }>["components"][number];
type Select = Extract<RowPart, { type: ComponentType.StringSelect }>;

const BUTTON_TYPES: Readonly<Record<number, string>> = {
  [ButtonStyle.Primary]: "primary",
  [ButtonStyle.Success]: "success",
  [ButtonStyle.Danger]: "destructive",
};

export function componentRows(message: APIMessage, scene: Scene) {
  const components = message.components ?? [];
  if (components.length === 0) return nothing;
  return html`<div slot="components">${components.map((each) => componentView(each, message, scene))}</div>`;
}

function componentView(component: Component, message: APIMessage, scene: Scene) {
  if (component.type === ComponentType.TextDisplay) return html`<p>${markdown(component.content, scene)}</p>`;
  if (component.type !== ComponentType.ActionRow) return nothing;
  const parts = component.components.map((part) => {
    if (part.type === ComponentType.Button) return buttonView(part, message, scene);
    if (part.type === ComponentType.StringSelect) return selectView(part, message, scene);
    return nothing;
  });
  return html`<discord-action-row>${parts}</discord-action-row>`;
}

function buttonView(
  button: Extract<RowPart, { type: ComponentType.Button }>,
  message: APIMessage,
  scene: Scene,
): TemplateResult {
  const label = "label" in button ? button.label : undefined;
  const emoji = "emoji" in button ? button.emoji?.name : undefined;
  const customId = "custom_id" in button ? button.custom_id : undefined;
  const press = () => {
    if (customId && !button.disabled) scene.act({ do: "press", messageId: message.id, customId });
  };
  // The component only paints a disabled button; inert takes it from the keyboard too.
  return html`<discord-button
    type=${BUTTON_TYPES[button.style] ?? "secondary"}
    .url=${"url" in button ? button.url : undefined}
    ?disabled=${button.disabled ?? false}
    ?inert=${button.disabled ?? false}
    @click=${press}
    >${emoji ? html`${emoji} ` : nothing}${label}</discord-button
  >`;
}

/** The component shows the menu; opening by keyboard and choosing are added here. Several choices are sent when it closes. */
function selectView(select: Select, message: APIMessage, scene: Scene): TemplateResult {
  const takesSeveral = (select.max_values ?? 1) > 1;
  const menuOf = (event: Event) => (event.currentTarget as Element).closest("discord-string-select-menu");
  const toggleMenu = (menu: Element | null) => menu?.shadowRoot?.querySelector("input")?.click();
  const chosenIn = (menu: Element | null) =>
    [...(menu?.querySelectorAll("[aria-selected=true]") ?? [])].map(
      (option) => option.getAttribute("data-value") ?? "",
    );
  const send = (values: readonly string[]) =>
    scene.act({ do: "select", messageId: message.id, customId: select.custom_id, values });
  const choose = (event: Event, value: string) => {
    event.stopPropagation();
    event.preventDefault();
    const option = event.currentTarget as HTMLElement;
    if (takesSeveral) return option.setAttribute("aria-selected", String(option.ariaSelected !== "true"));
    toggleMenu(menuOf(event));
    send([value]);
  };
  const leave = (event: FocusEvent) => {
    const menu = menuOf(event);
    if (event.relatedTarget instanceof Node && menu?.contains(event.relatedTarget)) return;
    const values = chosenIn(menu);
    if (takesSeveral && values.length > 0) send(values);
  };
  const onMenuKey = (event: KeyboardEvent) => {
    const options = [...((event.currentTarget as Element).children as Iterable<HTMLElement>)];
    const at = options.indexOf(document.activeElement as HTMLElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      options[(at + step + options.length) % options.length]?.focus();
    } else if (at === -1 && (event.key === "Enter" || event.key === " ")) {
      toggleMenu(menuOf(event));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<discord-string-select-menu
    tabindex="0"
    role="listbox"
    aria-label=${select.placeholder ?? "Select menu"}
    aria-multiselectable=${takesSeveral}
    placeholder=${select.placeholder ?? "Make a selection"}
    ?disabled=${select.disabled ?? false}
    ?inert=${select.disabled ?? false}
    @keydown=${onMenuKey}
    @focusout=${leave}
    >${select.options.map(
      ({ label, value, description, emoji }) => html`<discord-string-select-menu-option
        tabindex="-1"
        role="option"
        aria-label=${label}
        aria-selected="false"
        data-value=${value}
        label=${label}
        .description=${description ?? ""}
        .emoji=${emoji?.name ?? ""}
        @click=${(event: Event) => choose(event, value)}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === "Enter" || event.key === " ") choose(event, value);
        }}
      ></discord-string-select-menu-option>`,
    )}</discord-string-select-menu
  >`;
}
