// An S3-compatible object store under the index: how LanceDB is told of it, and whether it can be trusted with an index at all.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { AwsClient } from "aws4fetch";
import { TransientError, toError, UserError } from "../../errors.ts";

export interface ObjectStore {
  /** s3://bucket/prefix */
  readonly uri: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Undefined: Amazon's. */
  readonly endpoint?: string | undefined;
  /** Default "us-east-1". */
  readonly region?: string | undefined;
}

const DEFAULT_REGION = "us-east-1";
/** One request, its answer included. LanceDB's own patience with a store that hangs is over six minutes. */
export const REQUEST_MS = 10_000;

/**
 * LanceDB repeats what fails in three layers, each around the next: of the outer ones one try is left, so that its caller hears soon.
 * Its rate limit falls to one request a second while a store is away; it is kept from making searches wait after that.
 * @see https://docs.lancedb.com/storage/configuration
 * @see https://docs.rs/lance-io/latest/lance_io/object_store/throttle
 */
export function storageOptions({ accessKey, secretKey, endpoint, region }: ObjectStore): Record<string, string> {
  return {
    aws_access_key_id: accessKey,
    aws_secret_access_key: secretKey,
    region: region ?? DEFAULT_REGION,
    ...(endpoint !== undefined && {
      endpoint,
      allow_http: String(endpoint.startsWith("http:")),
      virtual_hosted_style_request: "false",
    }),
    timeout: `${REQUEST_MS}ms`,
    connect_timeout: "5s",
    client_max_retries: "1",
    client_retry_timeout: "10",
    download_retry_count: "0",
    lance_aimd_max_retries: "0",
    lance_aimd_min_rate: "100",
  };
}

export function clientOf({ accessKey, secretKey, region = DEFAULT_REGION }: ObjectStore): AwsClient {
  return new AwsClient({ accessKeyId: accessKey, secretAccessKey: secretKey, service: "s3", region, retries: 0 });
}

export function hostOf({ endpoint, region = DEFAULT_REGION }: ObjectStore): string {
  return endpoint ?? `https://s3.${region}.amazonaws.com`;
}

/**
 * A signed request. Not by `fetch`: where a body is read more slowly than it comes and the store closes the connection, undici 7 of Node 24
 * ends the process with "assert(!this.paused)".
 * @see https://github.com/nodejs/undici/issues/5360
 * @throws Error when the store cannot be reached, or does not answer in time
 */
export async function send(
  client: AwsClient,
  address: string,
  { headers = [], ...request }: SignedRequest = {},
): Promise<IncomingMessage> {
  return await ask(address, { ...request, headers: await sign(client, address, request.method, headers) });
}

/** @returns the headers of a request, with its signature: good for a quarter of an hour, and whatever "range" is added to them */
export async function sign(
  client: AwsClient,
  address: string,
  method = "GET",
  headers: readonly [string, string][] = [],
): Promise<Readonly<Record<string, string>>> {
  const signed = await client.sign(address, { method, headers: [...headers] });
  return Object.fromEntries(signed.headers);
}

/** @param request.headers with their signature */
export async function ask(
  address: string,
  {
    headers,
    body = Buffer.alloc(0),
    ...options
  }: Omit<SignedRequest, "headers"> & { headers: Readonly<Record<string, string>> },
): Promise<IncomingMessage> {
  const { request } = address.startsWith("https:") ? https : http;
  const asked = request(address, { ...options, headers: { ...headers, "content-length": body.length } });
  asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
  asked.end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return answer;
}

interface SignedRequest extends Pick<RequestOptions, "method" | "agent" | "timeout" | "signal"> {
  readonly headers?: readonly [string, string][];
  readonly body?: Buffer;
}

/**
 * Two writers of one table are kept apart by the store: LanceDB creates each new version with "only if there is none of that name".
 * A store that ignores the condition would let one overwrite the other.
 * @throws UserError when it does, or cannot be reached, or refuses us
 */
export async function requireConditionalPut(store: ObjectStore): Promise<void> {
  const client = clientOf(store);
  const host = hostOf(store);
  const address = `${host}/${store.uri.slice("s3://".length)}/backscroll-check-${randomUUID()}`;

  async function ask(init: RequestInit): Promise<Response> {
    try {
      return await client.fetch(address, { ...init, signal: AbortSignal.timeout(REQUEST_MS) });
    } catch (thrown) {
      throw new TransientError(`The object store at ${host} cannot be reached (${reasonOf(thrown)}).`, {
        cause: thrown,
      });
    }
  }
  const create = () => ask({ method: "PUT", body: "x", headers: { "if-none-match": "*" } });

  const first = await create();
  if (!first.ok) throw await refusal(store, host, first);
  const second = await create();
  await ask({ method: "DELETE" });
  if (second.status === 412 || second.status === 409) return;
  throw new UserError(
    `The object store at ${host} cannot hold an index: it ${second.ok ? "overwrites an object though it was told to create it only if there is none" : `answers a conditional PUT with status ${second.status}`}. Two processes could destroy each other's work. Use a store that heeds If-None-Match: Amazon S3, Cloudflare R2, MinIO and versitygw do.`,
  );
}

/** What the store's first answer means, if it is a no. */
async function refusal({ uri, region = DEFAULT_REGION }: ObjectStore, host: string, answer: Response): Promise<Error> {
  const body = await answer.text();
  const code = /<Code>([^<]+)<\/Code>/.exec(body)?.[1] ?? `status ${answer.status}`;
  const bucket = uri.split("/")[2];
  const mend = (says: string) => new UserError(`The object store at ${host} ${says}`);
  if (code === "NoSuchBucket") return mend(`has no bucket called ${bucket}. Make it first.`);
  if (code === "InvalidAccessKeyId" || code === "XAdminUserNotFound") return mend("does not know the access key.");
  if (code === "SignatureDoesNotMatch") return mend("does not accept the secret key.");
  if (code === "AuthorizationHeaderMalformed" || code === "PermanentRedirect") {
    return mend(`does not serve the bucket ${bucket} in the region ${region}.`);
  }
  if (answer.status === 403) {
    return mend(
      `does not allow this access key to write to the bucket ${bucket} (${code}). It needs to list, read, write and delete there.`,
    );
  }
  if (answer.status === 501) {
    return mend("cannot hold an index: it does not know conditional PUTs (If-None-Match).");
  }
  if (answer.status >= 500 || answer.status === 429) {
    return new TransientError(`The object store at ${host} is in trouble (${code}).`);
  }
  return mend(`refuses to write to ${uri} (${code}).`);
}

/** `fetch` hides what happened in the cause. */
function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  if (error.name === "TimeoutError") return "no answer in time";
  const { message } = error.cause === undefined ? error : toError(error.cause);
  return /wrong version number|packet length too long/i.test(message) ? "it does not speak https" : message.trim();
}
