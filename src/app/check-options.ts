// What a host gives to `attachBackscroll`, checked as the environment is: every problem is told, in one message.

import { z } from "zod";
import { UserError } from "../errors.ts";
import { logLevels } from "./config.ts";
import { nearestName } from "./did-you-mean.ts";

const text = z.string("must be a text").trim().min(1, "must not be empty");
const yesNo = z.boolean("must be true or false");
const number = (least: number, most: number, whole = false) => {
  const message = `must be a ${whole ? "whole " : ""}number from ${least} to ${most}`;
  const range = z.number(message).min(least, message).max(most, message);
  return whole ? range.int(message) : range;
};
/** Days, or Infinity. */
const forEver = z.union(
  [z.literal(Number.POSITIVE_INFINITY), number(0, 36_500)],
  "must be a number from 0 to 36500, or Infinity",
);
const share = number(0, 1).refine((given) => given > 0, "must be more than 0: a share, 0.9 for 90 %");
const url = (example: string) => text.regex(/^https?:\/\/\S+$/i, `must be an address like ${example}`);
const prefix = z.string("must be a text");
const has = (...methods: string[]) =>
  z.custom<object>(
    (given) =>
      typeof given === "object" &&
      given !== null &&
      methods.every((name) => typeof Reflect.get(given, name) === "function"),
  );
const amount = number(0, Number.MAX_SAFE_INTEGER);

/** Milliseconds; a timer of Node holds no more. */
const DAY_MS = 86_400_000;

const embeddings = z.strictObject(
  {
    baseUrl: url("http://localhost:1234/v1"),
    apiKey: text.optional(),
    model: text.optional(),
    documentPrefix: prefix.optional(),
    queryPrefix: prefix.optional(),
    dimensions: number(1, 65_536, true).optional(),
    parallelRequests: number(1, 1_000, true).optional(),
    textsPerRequest: number(1, 10_000, true).optional(),
    requestsPerMinute: number(1, 1e12).optional(),
    tokensPerMinute: number(1, 1e12).optional(),
    dollarsPerMillion: amount.optional(),
    budget: z
      .union([z.strictObject({ tokens: amount }), z.strictObject({ dollars: amount })], {
        error: "must be { dollars: 5 } or { tokens: 2000000 }, for a month",
      })
      .optional(),
    requestTimeoutMs: number(1, DAY_MS).optional(),
  },
  "must be { baseUrl, … }",
);

const schema = z.strictObject({
  dataDir: text,
  archive: z
    .strictObject({ url: url("http://localhost:4512"), accessToken: text }, "must be { url, accessToken }")
    .optional(),
  index: z
    .strictObject(
      {
        uri: text.regex(/^s3:\/\/\S+$/i, "must look like s3://bucket/folder"),
        accessKey: text,
        secretKey: text,
        endpoint: url("http://localhost:9000").optional(),
        region: text.optional(),
        cacheMegabytes: amount.optional(),
      },
      "must be { uri, accessKey, secretKey, … }",
    )
    .optional(),
  embeddings: embeddings.optional(),
  commandPrefix: z
    .string("must be a text")
    .regex(/^[-_\p{Ll}\p{N}]{0,16}$/u, "must be up to 16 small letters, digits, - and _")
    .optional(),
  registerCommands: yesNo.optional(),
  replaceCommands: yesNo.optional(),
  forgetOnLeave: yesNo.optional(),
  keepLeftDays: forEver.optional(),
  keepUnreadableDays: forEver.optional(),
  keepDeletedHours: number(0, 876_000).optional(),
  keepOldIndexDays: number(0, 36_500).optional(),
  reindexByItself: yesNo.optional(),
  thresholds: z
    .strictObject(
      {
        slowEmbeddingMs: number(1, DAY_MS).optional(),
        failureRate: share.optional(),
        diskLowBytes: amount.optional(),
        memoryHigh: share.optional(),
        stalledMs: number(1, 7 * DAY_MS).optional(),
      },
      "must be { diskLowBytes, … }",
    )
    .optional(),
  healthPort: z
    .strictObject({ port: number(0, 65_535, true), host: text }, 'must be { port: 9464, host: "127.0.0.1" }')
    .optional(),
  log: z
    .union([z.enum(logLevels), has("debug", "info", "warn", "error")], {
      error: `must be one of ${logLevels.join(", ")}, or a log with debug, info, warn and error`,
    })
    .optional(),
  clock: has("now", "elapsed", "sleep").optional(),
});

/** Names of all options; those of an inner object with a dot. For the documentation's table. */
export const optionNames: readonly string[] = Object.keys(schema.shape);

/** What a discord.js client of version 14 has, and we use. */
const CLIENT_HAS = ["on", "off", "isReady"];

/** @throws UserError that lists every problem of both */
export function checkHost(client: unknown, options: unknown): void {
  const isClient = has(...CLIENT_HAS).safeParse(client).success && has("get", "post").safeParse(restOf(client)).success;
  const problems = isClient
    ? []
    : ["the client must be a Client of discord.js 14: attachBackscroll(client, { dataDir: … })"];
  const parsed = schema.safeParse(options ?? {}, { reportInput: true });
  for (const issue of parsed.error?.issues ?? []) problems.push(...told(issue));
  if (problems.length === 0) return;
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  throw new UserError(
    `attachBackscroll was given ${count}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}\nThe README has a table of all options.`,
  );
}

const restOf = (client: unknown) =>
  typeof client === "object" && client !== null ? Reflect.get(client, "rest") : undefined;

function told(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = namesAt(issue.path);
    return issue.keys.map((key) => {
      const meant = nearestName(key, known);
      const name = [...issue.path, key].join(".");
      return `${name} is not an option${meant === undefined ? "" : `: did you mean ${[...issue.path, meant].join(".")}?`}`;
    });
  }
  if (path === "") return ["the options must be an object: { dataDir: … }"];
  if (issue.input !== undefined) return [`${path} ${issue.message}`];
  return [
    path === "dataDir" ? 'dataDir is missing: the folder to keep everything in, e.g. "./data"' : `${path} is missing`,
  ];
}

function namesAt([outer]: readonly PropertyKey[]): string[] {
  const inner = outer === undefined ? schema : Reflect.get(schema.shape, outer);
  const object = inner instanceof z.ZodOptional ? inner.unwrap() : inner;
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}
