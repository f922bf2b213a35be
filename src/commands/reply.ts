// How a view reaches the person who asked: in one edit, or growing while something long goes on.

import {
  DiscordAPIError,
  type InteractionEditReplyOptions,
  type Message,
  PermissionFlagsBits,
  RESTJSONErrorCodes,
} from "discord.js";
import { toError } from "../errors.ts";
import { type Chart, illustrated, type Picture } from "../views/charts/chart.ts";
import type { View } from "../views/message.ts";
import type { ButtonHandlers, ClickInteraction, CommandContext, MenuInteraction, SlashInteraction } from "./command.ts";

/** Edits of a reply count against a webhook's limit of 5 in 5 seconds. */
const EDIT_EVERY_MS = 2_000;

/** A view in discord.js's spelling. */
export function toReply(view: View, pictures: readonly Picture[] = []) {
  const { allowed_mentions, ...rest } = view;
  const files = pictures.map(({ data, ...picture }) => ({ ...picture, attachment: Buffer.from(data) }));
  return { ...rest, allowedMentions: allowed_mentions, files } satisfies InteractionEditReplyOptions;
}

/** Answers an interaction that was deferred. */
export async function answer(
  interaction: SlashInteraction | MenuInteraction | ClickInteraction,
  view: View,
): Promise<void> {
  await interaction.editReply(toReply(view));
}

/** Acknowledges a click first: the answer takes the place of the message that the button is on. */
export function inItsPlace(handler: ButtonHandlers[string]): ButtonHandlers[string] {
  return async (interaction, context, args) => {
    await interaction.deferUpdate();
    await handler(interaction, context, args);
  };
}

/** A deferred reply that is edited while the work goes on. */
export interface GrowingReply {
  /** Shows a state on the way, if the last one has been up for long enough. */
  grow(view: View): void;
  /** Shows the outcome. A public reply gets it even after the interaction's 15 minutes. */
  finish(view: View, chart?: Chart): Promise<void>;
}

export function createGrowingReply(
  interaction: SlashInteraction | ClickInteraction,
  { clock, logger, draw }: Pick<CommandContext, "clock" | "logger" | "draw">,
): GrowingReply {
  let inFlight: Promise<void> | undefined;
  let shown: Message | undefined;
  let editedAt = Number.NEGATIVE_INFINITY;

  async function edit(view: View, pictures?: readonly Picture[]) {
    editedAt = clock.elapsed();
    shown = await interaction.editReply(toReply(view, pictures));
  }

  return {
    grow(view) {
      if (inFlight || clock.elapsed() - editedAt < EDIT_EVERY_MS) return;
      inFlight = edit(view)
        .catch((thrown) => logger.warn("reply:not-updated", { error: toError(thrown).message }))
        .finally(() => {
          inFlight = undefined;
        });
    },
    async finish(bare, chart) {
      const mayAttach = interaction.appPermissions.has(PermissionFlagsBits.AttachFiles);
      const { view, files } = await illustrated(bare, chart, mayAttach ? draw : undefined);
      await inFlight;
      try {
        await edit(view, files);
      } catch (thrown) {
        if (!isExpired(thrown) || !shown || interaction.ephemeral) throw thrown;
        await shown.edit(toReply(view, files));
      }
    },
  };
}

/** The interaction can no longer be answered: its token is dead, or somebody else has acknowledged it. */
export function isExpired(thrown: unknown): boolean {
  const codes: readonly (string | number)[] = [
    RESTJSONErrorCodes.UnknownInteraction,
    RESTJSONErrorCodes.UnknownWebhook,
    RESTJSONErrorCodes.InvalidWebhookToken,
    RESTJSONErrorCodes.InteractionHasAlreadyBeenAcknowledged,
  ];
  return thrown instanceof DiscordAPIError && codes.includes(thrown.code);
}
