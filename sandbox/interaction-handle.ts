// What a member sees of an interaction they began: whether the bot answered, its reply as it is now, follow-ups, modal, choices.

import {
  type APIApplicationCommandOptionChoice,
  type APIMessage,
  type APIModalInteractionResponseCallbackData,
  MessageFlags,
} from "discord-api-types/v10";
import type { Acknowledgement, Interaction } from "./model.ts";
import { type RenderContext, renderMessage } from "./render-message.ts";
import { waitFor } from "./waiting.ts";

/** Discord shows "The application did not respond" after this. */
export const ACKNOWLEDGE_WITHIN_MS = 3000;

export interface InteractionHandle {
  readonly interaction: Interaction;
  /** The bot's first answer. @throws Error "The application did not respond" after 3 seconds without one */
  acknowledged(): Promise<Acknowledgement>;
  /** The reply as it stands (ephemeral or not; for a button's update, the updated message); undefined before there is one. */
  reply(): APIMessage | undefined;
  /** Follow-up messages as they stand. */
  followups(): APIMessage[];
  /** The first reply that is not "is thinking...". @throws Error when there is none in time */
  response(timeoutMs?: number): Promise<APIMessage>;
  /** The first follow-up. */
  followup(timeoutMs?: number): Promise<APIMessage>;
  /** Waits until `check` returns something truthy; it is tried at every change. */
  until<T>(
    check: (reply: APIMessage | undefined, followups: APIMessage[]) => T | undefined | null | false,
    timeoutMs?: number,
  ): Promise<T>;
  /** The modal the bot opened. */
  modal(timeoutMs?: number): Promise<APIModalInteractionResponseCallbackData>;
  /** What the bot suggests for an option being typed. */
  choices(timeoutMs?: number): Promise<readonly APIApplicationCommandOptionChoice[]>;
}

export function createHandle(context: RenderContext, interaction: Interaction): InteractionHandle {
  const { state } = context;
  const name = interaction.commandName ? `answer to /${interaction.commandName}` : "answer to the interaction";
  // Real time, also when the world's clock is a test's: it bounds how long a caller waits.
  const startedAt = performance.now();

  const reply = () => interaction.original && renderMessage(context, interaction.original);
  const followups = () => interaction.followups.map((message) => renderMessage(context, message));
  const until: InteractionHandle["until"] = (check, timeoutMs) =>
    waitFor(state, name, () => check(reply(), followups()), timeoutMs);

  return {
    interaction,
    async acknowledged() {
      const remainingMs = Math.max(0, ACKNOWLEDGE_WITHIN_MS - (performance.now() - startedAt));
      return waitFor(state, name, () => interaction.acknowledgement, remainingMs).catch((cause: unknown) => {
        throw new Error("The application did not respond", { cause });
      });
    },
    reply,
    followups,
    response: (timeoutMs) =>
      until((message) => message && !((message.flags ?? 0) & MessageFlags.Loading) && message, timeoutMs),
    followup: (timeoutMs) => until((_reply, messages) => messages[0], timeoutMs),
    until,
    modal: (timeoutMs) => waitFor(state, "modal", () => interaction.modal, timeoutMs),
    choices: (timeoutMs) => waitFor(state, "choices", () => interaction.choices, timeoutMs),
  };
}
