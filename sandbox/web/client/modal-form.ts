// A form that the bot opens. The browser's own dialog keeps the focus inside and closes on Esc.

import { ComponentType, TextInputStyle } from "discord-api-types/v10";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Outcome } from "../wire.ts";
import { plainText } from "./markdown.ts";
import type { Session } from "./session.ts";

interface TextInput {
  readonly type: number;
  readonly custom_id: string;
  readonly label?: string | null;
  readonly style: TextInputStyle;
  readonly placeholder?: string;
  readonly value?: string;
  readonly required?: boolean;
  readonly min_length?: number;
  readonly max_length?: number;
}

interface Field {
  readonly label: string;
  readonly description: string;
  readonly input: TextInput;
}

@customElement("modal-form")
export class ModalForm extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @property({ attribute: false }) accessor modal: Outcome["modal"];
  @property() accessor botName = "";
  @state() private accessor problem = "";

  protected override createRenderRoot() {
    return this;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("modal") && this.modal) this.querySelector("dialog")?.showModal();
  }

  private fields(): Field[] {
    const rows = (this.modal?.form.components ?? []) as readonly {
      readonly type: number;
      readonly label?: string;
      readonly description?: string;
      readonly component?: TextInput;
      readonly components?: readonly TextInput[];
    }[];
    return rows.flatMap(({ label = "", description = "", component, components = [] }) =>
      [...components, ...(component ? [component] : [])]
        .filter(({ type }) => type === ComponentType.TextInput)
        .map((input) => ({ label: input.label ?? label, description, input })),
    );
  }

  private closed(): void {
    this.problem = "";
    this.dispatchEvent(new CustomEvent("closed"));
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (!this.modal || !this.session) return;
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const values = Object.fromEntries([...form].map(([name, value]) => [name, String(value)]));
    const { interactionId } = this.modal;
    const { problem } = await this.session.act({ do: "submit", interactionId, values });
    if (problem) this.problem = `Something went wrong. Try again. (${problem})`;
    else this.querySelector("dialog")?.close();
  }

  protected override render() {
    if (!this.modal) return nothing;
    return html`<dialog class="modal" aria-labelledby="modal-title" @close=${this.closed}>
      <form method="dialog" @submit=${this.submit}>
        <h1 id="modal-title">${this.modal.form.title}</h1>
        <p class="caution">This form will be submitted to <b>${this.botName}</b>, in this sandbox only.</p>
        ${this.fields().map((field) => fieldView(field))}
        <p class="problem" role="alert">${this.problem}</p>
        <div class="actions">
          <button type="button" class="quiet" @click=${() => this.querySelector("dialog")?.close()}>Cancel</button>
          <button type="submit" class="primary">Submit</button>
        </div>
      </form>
    </dialog>`;
  }
}

function fieldView({ label, description, input }: Field) {
  const { custom_id, style, placeholder = "", value = "", required = true, min_length, max_length = 4_000 } = input;
  const isShort = style === TextInputStyle.Short;
  return html`<label>
    <span>${plainText(label)}${required ? html`<b aria-hidden="true"> *</b>` : nothing}</span>
    ${description ? html`<small>${description}</small>` : nothing}
    ${
      isShort
        ? html`<input
            name=${custom_id}
            .value=${value}
            placeholder=${placeholder}
            ?required=${required}
            minlength=${min_length ?? nothing}
            maxlength=${max_length}
            autocomplete="off"
          />`
        : html`<textarea
            name=${custom_id}
            rows="4"
            .value=${value}
            placeholder=${placeholder}
            ?required=${required}
            minlength=${min_length ?? nothing}
            maxlength=${max_length}
          ></textarea>`
    }
  </label>`;
}
