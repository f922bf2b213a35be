// Discord's error answers: one class, the codes used here, and the collector for "Invalid Form Body".
// Source: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json

/** What an error answer carries beside code and message. */
export interface ErrorDetails {
  /** Of error 50035: what is wrong where. */
  readonly errors?: object;
  /** Of a 429, in seconds. */
  readonly retry_after?: number;
  readonly global?: boolean;
}

interface ErrorNode {
  _errors?: { readonly code: string; readonly message: string }[];
  [step: string]: unknown;
}

/** An error answer of the API. `rest.ts` turns it into a response. */
export class DiscordError extends Error {
  override readonly name = "DiscordError";
  readonly status: number;
  readonly code: number;
  readonly details: ErrorDetails;

  constructor(status: number, code: number, message: string, details: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export const errors = {
  unknownApplication: () => new DiscordError(404, 10002, "Unknown Application"),
  unknownChannel: () => new DiscordError(404, 10003, "Unknown Channel"),
  unknownGuild: () => new DiscordError(404, 10004, "Unknown Guild"),
  unknownMember: () => new DiscordError(404, 10007, "Unknown Member"),
  unknownMessage: () => new DiscordError(404, 10008, "Unknown Message"),
  unknownRole: () => new DiscordError(404, 10011, "Unknown Role"),
  unknownUser: () => new DiscordError(404, 10013, "Unknown User"),
  unknownWebhook: () => new DiscordError(404, 10015, "Unknown Webhook"),
  unknownInteraction: () => new DiscordError(404, 10062, "Unknown interaction"),
  unknownCommand: () => new DiscordError(404, 10063, "Unknown application command"),
  unauthorized: () => new DiscordError(401, 0, "401: Unauthorized"),
  alreadyAcknowledged: () => new DiscordError(400, 40060, "Interaction has already been acknowledged."),
  missingAccess: () => new DiscordError(403, 50001, "Missing Access"),
  notYourMessage: () => new DiscordError(403, 50005, "Cannot edit a message authored by another user"),
  emptyMessage: () => new DiscordError(400, 50006, "Cannot send an empty message"),
  notATextChannel: () => new DiscordError(400, 50008, "Cannot send messages in a non-text channel"),
  notAThread: () => new DiscordError(400, 50024, "Cannot execute action on this channel type"),
  missingPermissions: () => new DiscordError(403, 50013, "Missing Permissions"),
  bulkDeleteCount: () =>
    new DiscordError(
      400,
      50016,
      "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete",
    ),
  invalidWebhookToken: () => new DiscordError(401, 50027, "Invalid Webhook Token"),
  bulkDeleteTooOld: () => new DiscordError(400, 50034, "You can only bulk delete messages that are under 14 days old."),
  threadArchived: () => new DiscordError(400, 50083, "Thread is archived"),
  replyNeedsHistory: () => new DiscordError(400, 160002, "Cannot reply without permission to read message history"),
  unknownReference: () =>
    new DiscordError(400, 50035, "Invalid Form Body", {
      errors: {
        message_reference: { _errors: [{ code: "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", message: "Unknown message" }] },
      },
    }),
  invalidQuery: (name: string, min: number, max: number) =>
    new DiscordError(400, 50035, "Invalid Form Body", {
      errors: {
        [name]: { _errors: [{ code: "NUMBER_TYPE_RANGE", message: `int value should be between ${min} and ${max}.` }] },
      },
    }),
  oldMessageEdits: (retryAfterSeconds: number) =>
    new DiscordError(429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later", {
      retry_after: retryAfterSeconds,
      global: false,
    }),
} as const;

/** Gathers what is wrong with a body, path by path, and throws error 50035 if anything is. */
export interface FormErrors {
  add(path: readonly (string | number)[], code: string, message: string): void;
  maxLength(path: readonly (string | number)[], text: string | null | undefined, limit: number): void;
  maxItems(path: readonly (string | number)[], items: readonly unknown[] | null | undefined, limit: number): void;
  /** @throws DiscordError 50035 */
  throwIfAny(): void;
}

export function createFormErrors(): FormErrors {
  const tree: ErrorNode = {};
  let count = 0;

  function add(path: readonly (string | number)[], code: string, message: string): void {
    let node: ErrorNode = tree;
    for (const step of path) {
      const next = (node[step] ?? {}) as ErrorNode;
      node[step] = next;
      node = next;
    }
    node._errors = [...(node._errors ?? []), { code, message }];
    count++;
  }

  return {
    add,
    maxLength(path, text, limit) {
      // Discord counts characters, not UTF-16 units.
      if (text && text.length > limit && [...text].length > limit) {
        add(path, "BASE_TYPE_MAX_LENGTH", `Must be ${limit} or fewer in length.`);
      }
    },
    maxItems(path, items, limit) {
      if (items && items.length > limit) add(path, "BASE_TYPE_MAX_LENGTH", `Must be ${limit} or fewer in length.`);
    },
    throwIfAny() {
      if (count > 0) throw new DiscordError(400, 50035, "Invalid Form Body", { errors: tree });
    },
  };
}
