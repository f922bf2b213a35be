// A menu that pops up: for a message's context menu and for the member switch. Arrows, Home, End, a first letter, Enter, Esc.

import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property } from "lit/decorators.js";

export interface MenuItem {
  readonly label: string;
  readonly detail?: string;
  readonly picture?: string;
  readonly color?: string | undefined;
  /** One of several, and this one or not. */
  readonly checked?: boolean;
  /** A line of text above it, which opens a new group. */
  readonly group?: string;
  run(): void;
}

export interface Menu {
  readonly label: string;
  readonly items: readonly MenuItem[];
  /** The pointer, or what was pressed. */
  readonly at: MouseEvent | Element;
}

const MARGIN_PX = 8;

@customElement("popup-menu")
export class PopupMenu extends LitElement {
  @property({ attribute: false }) accessor menu: Menu | undefined;
  private returnTo: HTMLElement | undefined;

  protected override createRenderRoot() {
    return this;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has("menu") || !this.menu) return;
    const { at } = this.menu;
    this.returnTo = at instanceof HTMLElement ? at : ((at as MouseEvent).currentTarget as HTMLElement | undefined);
    this.place(at);
    const items = this.items();
    (items.find((item) => item.ariaChecked === "true") ?? items[0])?.focus();
  }

  private items(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>(".popup button")];
  }

  private place(at: MouseEvent | Element): void {
    const popup = this.querySelector<HTMLElement>(".popup");
    if (!popup) return;
    const box = at instanceof Element ? at.getBoundingClientRect() : new DOMRect(at.clientX, at.clientY, 0, 0);
    const { offsetWidth, offsetHeight } = popup;
    const below = box.bottom + offsetHeight + MARGIN_PX <= innerHeight;
    const top = below ? box.bottom + 2 : Math.max(MARGIN_PX, box.top - offsetHeight - 2);
    popup.style.top = `${top}px`;
    popup.style.left = `${Math.max(MARGIN_PX, Math.min(box.left, innerWidth - offsetWidth - MARGIN_PX))}px`;
  }

  private close(): void {
    this.menu = undefined;
    this.returnTo?.focus();
    this.dispatchEvent(new CustomEvent("closed"));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const items = this.items();
    const at = items.indexOf(document.activeElement as HTMLElement);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const to = moves[event.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (/^\w$/.test(event.key)) this.focusByLetter(items, at, event.key);
    else return;
    event.preventDefault();
  };

  private focusByLetter(items: readonly HTMLElement[], at: number, letter: string): void {
    const later = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    later.find((item) => item.dataset.label?.toLowerCase().startsWith(letter.toLowerCase()))?.focus();
  }

  private take(item: MenuItem): void {
    this.close();
    item.run();
  }

  protected override render() {
    if (!this.menu) return nothing;
    const { label, items } = this.menu;
    return html`<div class="veil" @click=${this.close} @contextmenu=${this.close}></div>
      <div class="popup" role="menu" aria-label=${label} @keydown=${this.onKey}>
        ${items.map(
          (
            item,
          ) => html`${item.group ? html`<div class="group" role="presentation">${item.group}</div>` : nothing}<button
              type="button"
              role=${item.checked === undefined ? "menuitem" : "menuitemradio"}
              aria-checked=${item.checked ?? nothing}
              data-label=${item.label}
              tabindex="-1"
              @click=${() => this.take(item)}
            >
              ${item.picture ? html`<img class="avatar" src=${item.picture} alt="" />` : nothing}
              <span class="words"
                ><span class="name" .style=${item.color ? `--name: ${item.color}` : ""}>${item.label}</span>${
                  item.detail ? html` <small>${item.detail}</small>` : nothing
                }</span
              >
            </button>`,
        )}
      </div>`;
  }
}
