// The box at the bottom: messages, and slash commands with completion of names, options and values.

import { type APIMessage, ApplicationCommandOptionType as OptionType } from "discord-api-types/v10";
import { html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { readTyped, type TypeableCommand, typeableCommands, typedValues } from "../../typed-command.ts";
import type { Outcome, Place } from "../wire.ts";
import { type BotChoice, type Completion, complete, mentionedId, type Suggestion, withMentions } from "./completion.ts";
import { authorOf } from "./message-view.ts";
import type { Scene } from "./scene.ts";
import type { Session } from "./session.ts";

@customElement("message-box")
export class MessageBox extends LitElement {
  @property({ attribute: false }) accessor session: Session | undefined;
  @property({ attribute: false }) accessor scene: Scene | undefined;
  @property({ attribute: false }) accessor place: Place | undefined;
  @property({ attribute: false }) accessor replyTo: APIMessage | undefined;
  @state() private accessor line = "";
  @state() private accessor commands: readonly TypeableCommand[] = [];
  @state() private accessor botChoices: readonly BotChoice[] = [];
  /** Index of the suggestion that Enter takes; -1 for none. */
  @state() private accessor active = -1;
  @state() private accessor isListOpen = false;
  @state() private accessor problem = "";
  /** What suggestions that were taken stand for, by "option:text". */
  private readonly meanings = new Map<string, string | number>();
  private asked = "";

  protected override createRenderRoot() {
    return this;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("session") || changed.has("place")) {
      this.commands = [];
      this.problem = "";
      if (this.line.startsWith("/")) this.setLine("");
    }
    if (changed.has("replyTo") && this.replyTo) this.input?.focus();
  }

  /** Puts the cursor into the box. */
  override focus(): void {
    this.input?.focus();
  }

  private get input(): HTMLTextAreaElement | null {
    return this.querySelector("textarea");
  }

  private completion(): Completion | undefined {
    const { scene } = this;
    return scene && complete(this.line, this.commands, scene.directory, this.botChoices);
  }

  private setLine(line: string): void {
    this.line = line;
    this.problem = "";
    this.isListOpen = line !== "";
    this.active = this.completion()?.eager ? 0 : -1;
    const { input } = this;
    if (!input) return;
    if (input.value !== line) input.value = line;
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  }

  private async onInput(): Promise<void> {
    const line = this.input?.value ?? "";
    this.setLine(line);
    if (line.startsWith("/") && this.commands.length === 0) await this.loadCommands();
    await this.askBot();
  }

  private async loadCommands(): Promise<void> {
    if (!this.session || !this.place) return;
    const { slash } = await this.session.commands(this.place.id);
    this.commands = typeableCommands(slash);
    this.setLine(this.line);
  }

  /** Asks the bot for suggestions when the option being typed has autocomplete. */
  private async askBot(): Promise<void> {
    const { typed, current } = this.completion() ?? {};
    if (!typed || !current?.definition.autocomplete || !this.session || !this.place) {
      this.botChoices = [];
      return;
    }
    const { line } = this;
    if (this.asked === line) return;
    this.asked = line;
    const texts = typed.options.filter(({ definition }) => definition.type === OptionType.String);
    const outcome = await this.session.act({
      do: "complete",
      channelId: this.place.id,
      ...addressOf(typed.command),
      options: Object.fromEntries(texts.map(({ definition, text }) => [definition.name, text])),
      focused: current.definition.name,
    });
    if (this.line !== line) return;
    this.botChoices = outcome.choices ?? [];
    this.problem = outcome.problem ? "Loading options failed" : "";
    this.active = this.botChoices.length > 0 ? 0 : -1;
  }

  private take({ line, meaning }: Suggestion): void {
    const name = this.completion()?.current?.definition.name ?? "";
    if (meaning) this.meanings.set(`${name}:${meaning.text}`, meaning.value);
    this.botChoices = [];
    this.setLine(line);
    this.input?.focus();
    void this.askBot();
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const suggestions = this.isListOpen ? (this.completion()?.suggestions ?? []) : [];
    const chosen = suggestions[this.active];
    const { length } = suggestions;
    if (length > 0 && event.key === "ArrowDown") this.active = (this.active + 1) % length;
    else if (length > 0 && event.key === "ArrowUp") this.active = (Math.max(this.active, 0) - 1 + length) % length;
    else if (length > 0 && event.key === "Tab" && !event.shiftKey) this.take(chosen ?? (suggestions[0] as Suggestion));
    else if (event.key === "Escape" && (length > 0 || this.replyTo)) {
      if (length > 0) this.isListOpen = false;
      else this.dropReply();
    } else if (event.key === "Enter" && !event.shiftKey) {
      if (chosen) this.take(chosen);
      else void this.send();
    } else return;
    event.preventDefault();
  };

  private dropReply(): void {
    this.dispatchEvent(new CustomEvent("reply-dropped"));
  }

  private async send(): Promise<void> {
    const { line } = this;
    if (line.trim() === "") return;
    try {
      if (line.startsWith("/") && this.commands.length === 0) await this.loadCommands();
      const action = this.actionOf(line);
      if (!action || !this.session) return;
      this.setLine("");
      this.dropReply();
      const outcome = await this.session.act(action);
      if (outcome.problem && this.line === "") this.setLine(line);
      this.problem = outcome.problem ?? "";
      this.dispatchEvent(new CustomEvent<Outcome>("outcome", { detail: outcome }));
    } catch (thrown) {
      this.problem = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  /** @throws Error saying what is missing or does not fit */
  private actionOf(line: string) {
    const { scene, place } = this;
    if (!scene || !place) return undefined;
    const channelId = place.id;
    const typed = readTyped(line.trim(), this.commands);
    // "/usr/bin" is no command: a message, in Discord, too.
    if (!typed && !/^\/[\p{L}\p{N}_-]+(\s|$)/u.test(line)) {
      const content = withMentions(line.trim(), scene.directory);
      return { do: "post" as const, channelId, content, ...(this.replyTo && { replyTo: this.replyTo.id }) };
    }
    if (!typed) throw new Error(`There is no command ${line.trim().split(/\s/, 1)[0]} that you can use here.`);
    const options = typedValues(typed, (mention) => mentionedId(scene.directory, mention));
    for (const { definition, text } of typed.options) {
      const meaning = this.meanings.get(`${definition.name}:${text}`);
      if (meaning !== undefined) options[definition.name] = meaning;
    }
    return { do: "run" as const, channelId, ...addressOf(typed.command), options };
  }

  protected override render() {
    const { place, scene } = this;
    if (!place || !scene) return nothing;
    const completion = this.completion();
    const suggestions = this.isListOpen ? (completion?.suggestions ?? []) : [];
    const label = `Message ${place.kind === "thread" ? "" : "#"}${place.name}`;
    const hint = place.mayWrite ? label : "You do not have permission to send messages in this channel.";
    return html`${suggestions.length > 0 ? this.listView(completion?.heading ?? "", suggestions) : nothing}
      ${this.hintView(completion)}
      <p class="problem" role="alert">${this.problem}</p>
      ${this.replyTo ? this.replyView(this.replyTo, scene) : nothing}
      <div class="box">
        <textarea
          rows="1"
          role="combobox"
          aria-label=${label}
          aria-autocomplete="list"
          aria-expanded=${suggestions.length > 0}
          aria-controls="suggestions"
          aria-activedescendant=${this.active >= 0 && suggestions.length > 0 ? `suggestion-${this.active}` : nothing}
          placeholder=${hint}
          ?disabled=${!place.mayWrite}
          maxlength="4000"
          spellcheck="false"
          autocomplete="off"
          @input=${this.onInput}
          @keydown=${this.onKey}
          @blur=${() => {
            this.isListOpen = false;
          }}
        ></textarea>
      </div>`;
  }

  private listView(heading: string, suggestions: readonly Suggestion[]) {
    return html`<div class="suggestions" role="listbox" id="suggestions" aria-label=${heading}>
      <div class="heading" role="presentation">${heading}</div>
      ${suggestions.map(
        (suggestion, index) => html`<div
          class="suggestion"
          role="option"
          id="suggestion-${index}"
          aria-selected=${index === this.active}
          @pointerdown=${(event: Event) => event.preventDefault()}
          @pointermove=${() => {
            this.active = index;
          }}
          @click=${() => this.take(suggestion)}
        >
          <b>${suggestion.label}</b> <span>${suggestion.detail}</span>
        </div>`,
      )}
    </div>`;
  }

  /** The command's options, those filled in and the one being typed told apart. */
  private hintView(completion: Completion | undefined) {
    const { typed, current } = completion ?? {};
    if (!typed || !this.isListOpen) return nothing;
    const filled = typed.options.map(({ definition }) => definition.name);
    return html`<div class="hint" aria-live="polite">
      <b>/${typed.command.path}</b>
      ${typed.command.options.map(({ name, required }) => {
        const stage = name === current?.definition.name ? "current" : filled.includes(name) ? "filled" : "";
        return html`<span class="option ${stage}">${name}${required ? "" : "?"}</span>`;
      })}
      <span class="about">${current ? current.definition.description : typed.command.description}</span>
    </div>`;
  }

  private replyView(message: APIMessage, scene: Scene) {
    return html`<div class="replying">
      <span>Replying to <b>${authorOf(message, scene).name}</b></span>
      <button type="button" aria-label="Do not reply" @click=${this.dropReply}>✕</button>
    </div>`;
  }

  protected override updated(): void {
    this.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }
}

function addressOf({ name, group, subcommand }: TypeableCommand) {
  return { name, ...(group && { group }), ...(subcommand && { subcommand }) };
}
