// What the adapter is told about a server, what it remembers of one, and how both become a connection.

import { UserError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { parseServerAddress, type ServerAddress } from "./address.ts";
import { type ModelTraits, traitsOf } from "./known-models.ts";
import { type RequestForm, usualForm } from "./request-form.ts";
import { createServer, type Server } from "./server.ts";

const DEFAULT_TIMEOUT_MS = 60_000;

/** An OpenAI-compatible embedding server, as it is set. */
export interface ServerSettings {
  /** E.g. "http://localhost:1234/v1". */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  /** Left out: the server's only model, or the first that looks like an embedding model. */
  readonly model?: string | undefined;
  /** Put before each text that is stored, e.g. "search_document: "; empty: nothing. Left out: known by the model's name. */
  readonly documentPrefix?: string | undefined;
  /** Put before what is searched for. */
  readonly queryPrefix?: string | undefined;
  /** Asks for vectors of this length, where the model can shorten them. Left out: the model's own. */
  readonly dimensions?: number | undefined;
  /** Default: 1 on a server on this machine or network (parallel requests have crashed LM Studio), 4 on a remote one. */
  readonly parallelRequests?: number | undefined;
  /** Default: 256. */
  readonly textsPerRequest?: number | undefined;
  /** What the account allows. Left out: as the server tells. */
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  /** What a million tokens cost. Left out: as far as it is known of the service. */
  readonly dollarsPerMillion?: number | undefined;
  /** An answer slower than this counts as none. Default: a minute. */
  readonly requestTimeoutMs?: number | undefined;
}

export interface OpenAiOptions extends ServerSettings {
  readonly logger?: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Called when more has been found out about the server than `served` said. */
  readonly onLearned?: (served: ServedModel) => void;
}

/** What was found out about a server. Plain data: kept between boots, it lets the bot start while the server is down. */
export interface ServedModel {
  /** What requests ask for. */
  readonly modelId: string;
  /** What the server calls the model in its answers; empty when it does not say. */
  readonly answersAs: string;
  readonly dimensions: number;
  /** The fields it wants. Left out: the usual ones, as far as is known. */
  readonly form?: RequestForm | undefined;
  /** Which texts the server marks itself, as its model wants them: nothing is put before those. Left out: none. */
  readonly marks?: { readonly document: boolean; readonly query: boolean } | undefined;
  /** So much it takes in one request, as far as it has refused more. */
  readonly textsPerRequest?: number | undefined;
  readonly tokensPerRequest?: number | undefined;
  /** Of its vectors: see `EmbeddingSpace`. Left out: not measured. */
  readonly unrelatedCosine?: number | undefined;
}

export interface Reached {
  readonly server: Server;
  readonly address: ServerAddress;
  /** For messages. */
  readonly where: string;
}

/** Does not talk to the server. @throws UserError when the address or the key cannot be used at all */
export function reach(options: OpenAiOptions, form: RequestForm = usualForm): Reached {
  const address = parseServerAddress(options.baseUrl);
  const apiKey = options.apiKey?.trim() || undefined;
  if (apiKey && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new UserError("The embedding server's API key has characters that no key has. Copy it again.");
  }
  const where = `The embedding server at ${address.host}`;
  const { dimensions, requestTimeoutMs = DEFAULT_TIMEOUT_MS, now = Date.now } = options;
  return { server: createServer({ address, where, apiKey, dimensions, requestTimeoutMs, now, form }), address, where };
}

export interface Prefixes {
  readonly document: string;
  readonly query: string;
}

/** What is put before texts: as set, or as the model wants it where the server does not do that itself. */
export function prefixesFor(options: OpenAiOptions, served: ServedModel, traits = traitsFor(served)): Prefixes {
  return {
    document: options.documentPrefix ?? (served.marks?.document ? "" : traits.documentPrefix),
    query: options.queryPrefix ?? (served.marks?.query ? "" : traits.queryPrefix),
  };
}

export function traitsFor(served: Pick<ServedModel, "modelId" | "answersAs">): ModelTraits {
  return traitsOf(served.modelId, served.answersAs);
}
