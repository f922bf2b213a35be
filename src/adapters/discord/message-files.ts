// The files of a Discord message, wherever they hang: attachments, and what galleries, file components and thumbnails show. Pure.

import { extname } from "node:path";
import { type APIAttachment, ComponentType } from "discord-api-types/v10";
import type { Attachment } from "../../ports/records.ts";

/** A message or a forwarded one. */
interface WithFiles {
  readonly attachments: readonly APIAttachment[];
  readonly components?: unknown;
}

/** What is looked at of a component, of an item of one, or of its media. */
type Loose = {
  readonly [name in
    | "type"
    | "items"
    | "media"
    | "file"
    | "components"
    | "component"
    | "accessory"
    | "url"
    | "name"
    | "description"
    | "content_type"
    | "attachment_id"]?: unknown;
};

/** Each file once. A gallery may show an attachment of the message, with a text of its own. */
export function filesOf(messages: readonly WithFiles[]): Attachment[] {
  const files = new Map<string, Attachment>();
  for (const { attachments, components } of messages) {
    for (const attachment of attachments) files.set(attachment.id, ofAttachment(attachment));
    for (const { key, ...shown } of shownIn(components)) files.set(key, { ...shown, ...files.get(key) });
  }
  return [...files.values()];
}

function ofAttachment(file: APIAttachment): Attachment {
  return {
    name: nameOf(file),
    ...(file.description && { alt: file.description }),
    ...(file.content_type && { contentType: file.content_type }),
  };
}

/**
 * The name that its author gave the file. In `filename` Discord drops all but plain letters ("_.pdf"); `title` then has the real one, mostly
 * without its ending. https://github.com/discord/discord-api-docs/pull/6945
 */
function nameOf({ filename, title }: Pick<APIAttachment, "filename" | "title">): string {
  if (!title) return filename;
  const ending = extname(filename) || (/^\.\w+$/.test(filename) ? filename : "");
  return title.toLowerCase().endsWith(ending.toLowerCase()) ? title : title + ending;
}

/** What components show, wherever they are nested. `key`: the attachment it is, or its place. */
function shownIn(node: unknown): (Attachment & { readonly key: string })[] {
  if (Array.isArray(node)) return node.flatMap(shownIn);
  if (!isObject(node)) return [];
  switch (node.type) {
    case ComponentType.MediaGallery:
      return Array.isArray(node.items)
        ? node.items.flatMap((item) => (isObject(item) ? mediaFile(item, item.media) : []))
        : [];
    case ComponentType.Thumbnail:
      return mediaFile(node, node.media);
    case ComponentType.File:
      return mediaFile(node, node.file);
    default:
      return [node.components, node.component, node.accessory].flatMap(shownIn);
  }
}

function mediaFile(shown: Loose, media: unknown): (Attachment & { readonly key: string })[] {
  if (!isObject(media) || typeof media.url !== "string") return [];
  const name = text(shown.name) || lastPart(media.url);
  const [alt, contentType] = [text(shown.description), text(media.content_type)];
  if (name === "" && alt === "") return [];
  return [
    {
      key: text(media.attachment_id) || media.url,
      name: name || "file",
      ...(alt && { alt }),
      ...(contentType && { contentType }),
    },
  ];
}

/** Of an address, its file's name. */
function lastPart(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  const part = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray percent sign: a name all the same.
    return part;
  }
}

const isObject = (value: unknown): value is Loose => typeof value === "object" && value !== null;
const text = (value: unknown): string => (typeof value === "string" ? value : "");
