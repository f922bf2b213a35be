// How records and the small things beside them look as values, and how they are read back: nothing is trusted. A value that does
// not decode or validate is told apart, never thrown.

import { deserialize, serialize } from "node:v8";
import type { KvKey } from "@deno/kv";
import { z } from "zod";
import { contentHash } from "../../content-hash.ts";
import { deedNames } from "../../ports/deeds.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ArchivedRecord, RecordKind, StoredRecord } from "../../ports/records.ts";
import type { Snowflake } from "../../snowflake.ts";
import { fitted } from "./fit.ts";

/** Stands for a value whose bytes do not decode. The library would let one of them end a whole `list()`. */
export class Undecodable {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export const encodeV8 = (value: unknown): Uint8Array => serialize(value);

export function decodeV8(bytes: Uint8Array): unknown {
  try {
    return deserialize(bytes);
  } catch (thrown) {
    return new Undecodable(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

const id = z.string().regex(/^\d{1,19}$/);

// Defaults and empty fields are not stored: `accessChannelId` is, where it differs from `channelId`.
const recordSchema = z.object({
  v: z.literal(1),
  hash: z.string(),
  channelId: id,
  accessChannelId: id.exactOptional(),
  authorId: id,
  authorName: z.string(),
  content: z.string(),
  bot: z.boolean().exactOptional(),
  attachments: z
    .array(z.object({ name: z.string(), alt: z.string().exactOptional(), contentType: z.string().exactOptional() }))
    .exactOptional(),
  embeds: z.array(z.string()).exactOptional(),
  poll: z.string().exactOptional(),
  forwarded: z.string().exactOptional(),
  mentions: z.array(z.object({ id, name: z.string() })).exactOptional(),
  stickers: z.array(z.string()).exactOptional(),
  pinned: z.boolean().exactOptional(),
  replyToId: id.exactOptional(),
  editedAt: z.number().exactOptional(),
  visibility: z.enum(["private", "channel"]).exactOptional(),
  sourceMessageId: id.exactOptional(),
  sourceAuthorId: id.exactOptional(),
});
export type RecordValue = z.infer<typeof recordSchema>;

/** The value of a record. One too large for the store is shortened (see fit.ts), and its hash is that of what is kept. */
export function recordToValue(record: ArchivedRecord): RecordValue {
  const kept = fitted(record);
  const { kind: _, id: __, channelId, accessChannelId, ...fields } = kept;
  const value = { v: 1, hash: contentHash(kept), channelId, ...(accessChannelId !== channelId && { accessChannelId }) };
  return Object.assign(value, compact(fields)) as RecordValue;
}

/** Without fields that are undefined, false or an empty list. */
function compact(fields: object): object {
  const kept: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field === undefined || field === false) continue;
    if (!Array.isArray(field)) kept[name] = field;
    else if (field.length > 0) kept[name] = field.map((entry) => (typeof entry === "object" ? compact(entry) : entry));
  }
  return kept;
}

/** The record in a value, or why there is none. */
export function valueToRecord(kind: RecordKind, id: Snowflake, value: unknown): StoredRecord | { reason: string } {
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) return { reason: whyInvalid(value, parsed.error) };
  const { v: _, hash, ...fields } = parsed.data;
  return { record: { kind, id, accessChannelId: fields.channelId, ...fields }, contentHash: hash };
}

/** A small value read back; one that is damaged is reported and left out. */
export function validated<T>(
  schema: z.ZodType<T>,
  { key, value }: { readonly key: KvKey; readonly value: unknown },
  logger: Logger,
  event = "archive:damaged",
): T | undefined {
  if (value === null) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success && !(value instanceof Undecodable)) return parsed.data;
  logger.warn(event, { key: key.map(String).join("/"), reason: whyInvalid(value, parsed.error) });
  return undefined;
}

/** Why a value was refused, in one line. */
export function whyInvalid(value: unknown, error: z.ZodError | undefined): string {
  if (value instanceof Undecodable) return `the stored bytes do not decode: ${value.reason}`;
  const issue = error?.issues[0];
  return `the stored value is not valid: ${issue?.path.join(".") || "value"}: ${issue?.message ?? "unknown"}`;
}

export const channelSchema = z.object({
  id,
  name: z.string(),
  type: z.enum(["text", "announcement", "voice", "forum", "public-thread", "private-thread", "other"]),
  parentId: id.exactOptional(),
  categoryId: id.exactOptional(),
  accessChannelId: id,
});

export const idSchema = id;

export const cursorSchema = z.object({ oldestId: id, newestId: id, complete: z.boolean() });

export const recheckSchema = z.object({ since: z.number(), reachedId: id.exactOptional() });

export const outOfReachSchema = z.object({ since: z.number(), toldAt: z.number().exactOptional() });

export const settingsSchema = z.object({
  adminChannelId: id.exactOptional(),
  botId: id.exactOptional(),
  left: outOfReachSchema.exactOptional(),
});

export const deedSchema = z.object({
  at: z.number(),
  by: id.exactOptional(),
  what: z.enum(deedNames),
  targetId: id.exactOptional(),
  detail: z.string().exactOptional(),
});

const fingerprint = z.string().regex(/^[\w.-]+$/);

const generationSchema = z.object({
  fingerprint,
  space: z.object({
    modelId: z.string(),
    dimensions: z.number(),
    fingerprint,
    unrelatedCosine: z.number().optional(),
  }),
  embedder: z.discriminatedUnion("kind", [
    z.object({ kind: z.enum(["built-in", "unknown"]) }),
    z.object({
      kind: z.literal("server"),
      baseUrl: z.string(),
      modelId: z.string(),
      answersAs: z.string(),
      length: z.number(),
      dimensions: z.number().optional(),
      documentPrefix: z.string(),
      queryPrefix: z.string(),
      form: z
        .object({ encoding: z.string(), inputType: z.string(), lengthField: z.string().exactOptional() })
        .optional(),
    }),
  ]),
  status: z.enum(["building", "current", "retired"]),
  reason: z.string(),
  statusAt: z.number(),
});

export const generationsSchema = z.object({
  list: z.array(generationSchema),
  toldOf: z.string().optional(),
  heldBack: z.string().optional(),
});

export const quarantineSchema = z.object({
  kind: z.enum(["message", "note"]),
  id,
  channelId: id.exactOptional(),
  contentHash: z.string(),
  reason: z.string(),
  attempts: z.number(),
  at: z.number(),
  retryAt: z.number().exactOptional(),
});

export const unconfirmedSchema = z.object({
  kind: z.enum(["message", "note"]),
  ids: z.array(id),
  isRejected: z.boolean(),
});

export const canarySchema = z.object({ vector: z.instanceof(Float32Array), unrelated: z.number() });

export const exclusionSchema = z.discriminatedUnion("by", [
  z.object({ by: z.literal("channel"), id }),
  z.object({ by: z.literal("author"), id, beforeId: id.exactOptional() }),
  z.object({ by: z.literal("age"), beforeId: id, days: z.number().exactOptional() }),
  z.object({ by: z.literal("bots") }),
]);

export const removalSchema = z.union([exclusionSchema, z.object({ by: z.literal("guild") })]);

export const refetchSchema = z.object({
  scope: exclusionSchema,
  reached: z.object({ channelId: id, beforeId: id }).exactOptional(),
});
