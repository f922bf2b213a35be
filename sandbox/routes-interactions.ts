// REST: the bot's answers to interactions: the callback, the original response, and follow-up messages.
// Source: https://discord.com/developers/docs/interactions/receiving-and-responding

import { InteractionResponseType, InteractionType, MessageFlags, MessageType } from "discord-api-types/v10";
import { createFormErrors, errors } from "./discord-error.ts";
import { ACKNOWLEDGE_WITHIN_MS } from "./interaction-handle.ts";
import { TOKEN_LIFETIME_MS } from "./interactions.ts";
import { checkMessageBody, checkNotEmpty, type MessageBody } from "./message-body.ts";
import { changeMessage, insertMessage, removeMessage } from "./messages.ts";
import type { AcknowledgementKind, Interaction, Message } from "./model.ts";
import { type RenderContext, renderMessage } from "./render-message.ts";
import type { RestAnswer, RestRequest, Route } from "./routes.ts";
import { editedParts, storedParts } from "./routes-messages.ts";

const KIND_OF: Readonly<Record<number, AcknowledgementKind>> = {
  [InteractionResponseType.ChannelMessageWithSource]: "reply",
  [InteractionResponseType.DeferredChannelMessageWithSource]: "deferred-reply",
  [InteractionResponseType.DeferredMessageUpdate]: "deferred-update",
  [InteractionResponseType.UpdateMessage]: "update",
  [InteractionResponseType.ApplicationCommandAutocompleteResult]: "autocomplete",
  [InteractionResponseType.Modal]: "modal",
};

export function createInteractionRoutes(context: RenderContext): Route[] {
  const { state } = context;

  const changed = (interaction: Interaction) => state.emit({ type: "interaction:updated", interaction });

  /** A new message that answers the interaction. */
  function answerWith(interaction: Interaction, body: MessageBody, files: RestRequest["files"], flags = 0): Message {
    const isEphemeral = (((body.flags ?? 0) | flags) & MessageFlags.Ephemeral) !== 0;
    const isCommand = interaction.type === InteractionType.ApplicationCommand;
    const parts = storedParts(state, body, files);
    return insertMessage(state, {
      id: state.nextId(),
      guildId: interaction.guildId,
      channelId: interaction.channelId,
      authorId: state.bot.id,
      type: isCommand
        ? interaction.message
          ? MessageType.ContextMenuCommand
          : MessageType.ChatInputCommand
        : MessageType.Default,
      content: body.content ?? "",
      ...parts,
      flags: parts.flags | flags | (isEphemeral ? MessageFlags.Ephemeral : 0),
      ...(isEphemeral ? { ephemeralFor: interaction.userId } : {}),
      origin: {
        id: interaction.id,
        type: interaction.type,
        userId: interaction.userId,
        ...(interaction.commandName ? { name: interaction.commandName } : {}),
        ...(interaction.message ? { messageId: interaction.message.id } : {}),
      },
    });
  }

  function edit(message: Message, body: MessageBody, files: RestRequest["files"]): Message {
    checkMessageBody(body);
    return changeMessage(state, message, editedParts(state, message, body, files));
  }

  /** @throws DiscordError 50035 when this kind of answer does not fit this kind of interaction */
  function checkKind(interaction: Interaction, kind: AcknowledgementKind | undefined): AcknowledgementKind {
    const isAutocomplete = interaction.type === InteractionType.ApplicationCommandAutocomplete;
    const isUpdate = kind === "update" || kind === "deferred-update";
    const isCommand = interaction.type === InteractionType.ApplicationCommand;
    const fits =
      kind !== undefined &&
      isAutocomplete === (kind === "autocomplete") &&
      !(isUpdate && (isCommand || !interaction.message)) &&
      !(kind === "modal" && interaction.type === InteractionType.ModalSubmit);
    if (fits) return kind;
    const form = createFormErrors();
    form.add(
      ["type"],
      "INTERACTION_APPLICATION_COMMAND_CALLBACK_INVALID",
      "This kind of answer does not fit the interaction",
    );
    form.throwIfAny();
    throw new Error("unreachable");
  }

  function callback(request: RestRequest): RestAnswer {
    const interaction = state.interactions.get(request.param("interaction_token"));
    if (interaction?.id !== request.param("interaction_id")) throw errors.unknownInteraction();
    if (interaction.acknowledgement) throw errors.alreadyAcknowledged();
    if (state.now() - interaction.createdAt > ACKNOWLEDGE_WITHIN_MS) throw errors.unknownInteraction();
    const { type, data } = request.body as { type: number; data?: MessageBody | null };
    const kind = checkKind(interaction, KIND_OF[type]);
    const body = data ?? {};
    if (kind === "reply" || kind === "update") checkMessageBody(body);
    if (kind === "reply") checkNotEmpty(body, request.files.length);
    const isEphemeral = ((body.flags ?? 0) & MessageFlags.Ephemeral) !== 0;
    interaction.acknowledgement = { kind, ephemeral: isEphemeral, at: state.now() };
    switch (kind) {
      case "reply":
        interaction.original = answerWith(interaction, body, request.files);
        break;
      case "deferred-reply":
        interaction.original = answerWith(interaction, { flags: body.flags ?? 0 }, [], MessageFlags.Loading);
        break;
      case "update":
        if (interaction.message) interaction.original = edit(interaction.message, body, request.files);
        break;
      case "deferred-update":
        if (interaction.message) interaction.original = interaction.message;
        break;
      case "modal":
        interaction.modal = data as unknown as NonNullable<Interaction["modal"]>;
        break;
      case "autocomplete":
        interaction.choices =
          (data as unknown as { choices?: NonNullable<Interaction["choices"]> } | undefined)?.choices ?? [];
        break;
      default:
        kind satisfies never;
    }
    changed(interaction);
    if (request.query.get("with_response") !== "true") return { status: 204 };
    return { status: 200, body: callbackResponse(interaction, type) };
  }

  function callbackResponse(interaction: Interaction, type: number) {
    const message = interaction.original;
    return {
      interaction: {
        id: interaction.id,
        type: interaction.type,
        channel_id: interaction.channelId,
        guild_id: interaction.guildId,
        ...(message
          ? {
              response_message_id: message.id,
              response_message_loading: (message.flags & MessageFlags.Loading) !== 0,
              response_message_ephemeral: message.ephemeralFor !== undefined,
            }
          : {}),
      },
      ...(message && type !== InteractionResponseType.DeferredMessageUpdate
        ? {
            resource: {
              // Discord names a deferred reply by what it will be.
              type:
                type === InteractionResponseType.DeferredChannelMessageWithSource
                  ? InteractionResponseType.ChannelMessageWithSource
                  : type,
              message: renderMessage(context, message),
            },
          }
        : {}),
    };
  }

  /** The acknowledged interaction a webhook path names. @throws DiscordError 10015, 50027 */
  function acknowledged(request: RestRequest): Interaction {
    if (request.param("webhook_id") !== state.applicationId) throw errors.unknownWebhook();
    const interaction = state.interactions.get(request.param("webhook_token"));
    if (!interaction || state.now() - interaction.createdAt > TOKEN_LIFETIME_MS) throw errors.invalidWebhookToken();
    if (!interaction.acknowledgement) throw errors.unknownWebhook();
    return interaction;
  }

  /** The original response or a follow-up. @throws DiscordError 10008 */
  function answer(interaction: Interaction, messageId: string): Message {
    const message =
      messageId === "@original" || messageId === interaction.original?.id
        ? interaction.original
        : interaction.followups.find(({ id }) => id === messageId);
    if (!message) throw errors.unknownMessage();
    return message;
  }

  function followUp(request: RestRequest): RestAnswer {
    const interaction = acknowledged(request);
    const body = (request.body ?? {}) as MessageBody;
    checkMessageBody(body);
    checkNotEmpty(body, request.files.length);
    const { original } = interaction;
    // The first follow-up to a deferred reply becomes that reply; its own ephemeral flag is ignored.
    if (original && original.flags & MessageFlags.Loading) {
      const { flags: _flags, ...rest } = body;
      return { status: 200, body: renderMessage(context, edit(original, rest, request.files)) };
    }
    const message = answerWith(interaction, body, request.files);
    interaction.followups.push(message);
    changed(interaction);
    return { status: 200, body: renderMessage(context, message) };
  }

  function forget(interaction: Interaction, message: Message): void {
    if (message === interaction.original) delete interaction.original;
    else interaction.followups.splice(interaction.followups.indexOf(message), 1);
    removeMessage(state, message);
    changed(interaction);
  }

  const webhook = "/webhooks/{webhook_id}/{webhook_token}";
  const answerRoutes = (path: string, idOf: (request: RestRequest) => string): Route[] => [
    {
      method: "GET",
      path,
      usesPathToken: true,
      handle: (request) => ({
        status: 200,
        body: renderMessage(context, answer(acknowledged(request), idOf(request))),
      }),
    },
    {
      method: "PATCH",
      path,
      usesPathToken: true,
      handle: (request) => {
        const interaction = acknowledged(request);
        const message = edit(answer(interaction, idOf(request)), (request.body ?? {}) as MessageBody, request.files);
        changed(interaction);
        return { status: 200, body: renderMessage(context, message) };
      },
    },
    {
      method: "DELETE",
      path,
      usesPathToken: true,
      handle: (request) => {
        const interaction = acknowledged(request);
        forget(interaction, answer(interaction, idOf(request)));
        return { status: 204 };
      },
    },
  ];
  return [
    {
      method: "POST",
      path: "/interactions/{interaction_id}/{interaction_token}/callback",
      usesPathToken: true,
      handle: callback,
    },
    { method: "POST", path: webhook, usesPathToken: true, handle: followUp },
    ...answerRoutes(`${webhook}/messages/@original`, () => "@original"),
    ...answerRoutes(`${webhook}/messages/{message_id}`, (request) => request.param("message_id")),
  ];
}
