// Does in the world what a member did on the page, and tells what came of it at once.

import type { Snowflake } from "../../src/snowflake.ts";
import type { InteractionHandle } from "../interaction-handle.ts";
import type { World } from "../world.ts";
import type { Action, Outcome } from "./wire.ts";

/** Forms kept open for an answer; the oldest are forgotten first. */
const OPEN_FORMS = 100;
const CHOICES_WITHIN_MS = 3_000;

/** @returns a function that does a action. @throws (the function) Error saying what Discord's client would not let through */
export function createActions(world: World): (userId: Snowflake, action: Action) => Promise<Outcome> {
  const openers = new Map<Snowflake, InteractionHandle>();

  async function outcomeOf(handle: InteractionHandle): Promise<Outcome> {
    const { kind } = await handle.acknowledged();
    if (kind !== "modal") return {};
    const { id } = handle.interaction;
    openers.set(id, handle);
    for (const oldest of openers.keys()) if (openers.size > OPEN_FORMS) openers.delete(oldest);
    return { modal: { interactionId: id, form: await handle.modal() } };
  }

  return async (userId, action) => {
    switch (action.do) {
      case "post": {
        const { channelId, content, replyTo } = action;
        world.postMessage({ channelId, authorId: userId, content, ...(replyTo && { replyTo }) });
        return {};
      }
      case "run":
        return outcomeOf(world.runCommand({ ...action, userId }));
      case "complete":
        return { choices: await world.autocomplete({ ...action, userId }).choices(CHOICES_WITHIN_MS) };
      case "menu":
        return outcomeOf(world.runMessageCommand({ ...action, userId }));
      case "press":
        return outcomeOf(world.pressButton({ ...action, userId }));
      case "select":
        return outcomeOf(world.selectOptions({ ...action, userId }));
      case "submit": {
        const opener = openers.get(action.interactionId);
        if (opener?.interaction.userId !== userId) throw new Error("this form is no longer open");
        const outcome = await outcomeOf(world.submitModal({ opener, values: action.values }));
        openers.delete(action.interactionId);
        return outcome;
      }
      default:
        return action satisfies never;
    }
  };
}
