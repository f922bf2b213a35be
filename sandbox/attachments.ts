// Files on messages: how they are made from what a member or the bot uploads.

import { extname, parse } from "node:path";
import type { Attachment } from "./model.ts";
import { findChannel, type State } from "./state.ts";

export interface AttachmentInput {
  readonly filename: string;
  /** Default: by the file name's extension. */
  readonly contentType?: string;
  /** Alt text. */
  readonly description?: string;
  readonly data?: Uint8Array | string;
  /** Default: the size of `data`. */
  readonly sizeBytes?: number;
}

const CONTENT_TYPES: Record<string, string> = {
  ".gif": "image/gif",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".log": "text/plain; charset=utf-8",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webp": "image/webp",
};

export function newAttachment(state: State, input: AttachmentInput): Attachment {
  const data = typeof input.data === "string" ? new TextEncoder().encode(input.data) : input.data;
  return {
    id: state.nextId(),
    ...storedName(input.filename),
    contentType:
      input.contentType ?? CONTENT_TYPES[extname(input.filename).toLowerCase()] ?? "application/octet-stream",
    sizeBytes: input.sizeBytes ?? data?.byteLength ?? 0,
    ...(input.description ? { description: input.description } : {}),
    ...(data ? { data } : {}),
  };
}

/** Discord keeps plain letters, digits, dots, dashes and underscores; what had others is named in `title`, too. */
function storedName(given: string): Pick<Attachment, "filename" | "title"> {
  const { name, ext } = parse(given);
  const plain = (text: string) => text.replace(/\s/g, "_").replace(/[^\w.-]/g, "");
  const filename = (plain(name) || "_") + plain(ext);
  return filename === given.replace(/\s/g, "_") ? { filename } : { filename, title: name };
}

/** The file behind a path "/attachments/{channel}/{attachment}/{filename}". */
export function attachmentAt(state: State, path: string): Attachment | undefined {
  const [, , channelId = "", attachmentId] = path.split("/");
  const messages = [
    ...(findChannel(state, channelId)?.channel.messages.all() ?? []),
    ...state.ephemeralMessages.values(),
  ];
  return messages.flatMap(({ attachments }) => attachments ?? []).find(({ id }) => id === attachmentId);
}
