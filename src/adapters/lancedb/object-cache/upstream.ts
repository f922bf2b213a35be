// Requests to the object store itself, signed with its keys.

import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import { getOrTry } from "../../../maps.ts";
import { ask, clientOf, hostOf, type ObjectStore, REQUEST_MS, send, sign } from "../object-store.ts";

/** As many as LanceDB itself asks at a time. */
const MOST_AT_ONCE = 64;
/** A signature takes as long as the rest of a request. It is good for fifteen times as long. */
const SIGNED_MS = 60_000;

export interface UpstreamRequest {
  readonly method: string;
  /** From the bucket on, percent-encoded, with its query. */
  readonly path: string;
  readonly headers?: IncomingHttpHeaders;
  readonly body?: Buffer;
}

export interface Upstream {
  /** Of what never changes. @param range as the header has it @throws Error when the store cannot be reached, or does not answer in time */
  read(method: "GET" | "HEAD", path: string, range?: string): Promise<IncomingMessage>;
  /** @throws Error when the store cannot be reached, or does not answer in time */
  send(request: UpstreamRequest): Promise<IncomingMessage>;
  close(): void;
}

export function createUpstream(store: ObjectStore): Upstream {
  const client = clientOf(store);
  const root = hostOf(store);
  const { Agent } = root.startsWith("https:") ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_AT_ONCE });

  const signatures = new Map<string, ReturnType<typeof sign>>();
  let signedSince = 0;

  /** The many ranges that are asked of one object differ in nothing else. */
  function signatureFor(method: string, address: string): ReturnType<typeof sign> {
    const now = Date.now();
    if (Math.abs(now - signedSince) > SIGNED_MS) {
      signatures.clear();
      signedSince = now;
    }
    return getOrTry(signatures, `${method} ${address}`, () => sign(client, address, method));
  }

  return {
    async read(method, path, range) {
      const address = `${root}${path}`;
      const headers = { ...(await signatureFor(method, address)), ...(range !== undefined && { range }) };
      return await ask(address, { method, headers, agent, timeout: REQUEST_MS });
    },

    send({ path, headers = {}, ...request }) {
      const given = endToEnd(headers).filter(([name]) => name !== "authorization" && name !== "x-amz-date");
      return send(client, `${root}${path}`, { ...request, headers: given, agent, timeout: REQUEST_MS });
    },
    close: () => agent.destroy(),
  };
}

/** Headers that are for the other end, and not for this connection or about the length of what it carries. */
export function endToEnd(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers)
    .filter(([name]) => !/^(host|connection|keep-alive|transfer-encoding|content-length|expect)$/.test(name))
    .map(([name, value]) => [name, String(value)]);
}
