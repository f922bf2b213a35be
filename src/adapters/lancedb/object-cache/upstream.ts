// Requests to the object store itself, signed with its keys.

import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import { clientOf, hostOf, type ObjectStore, REQUEST_MS, send } from "../object-store.ts";

/** As many as LanceDB itself asks at a time. */
const MOST_AT_ONCE = 64;

export interface UpstreamRequest {
  readonly method: string;
  /** From the bucket on, percent-encoded, with its query. */
  readonly path: string;
  readonly headers?: IncomingHttpHeaders;
  readonly body?: Buffer;
}

export interface Upstream {
  /** @throws Error when the store cannot be reached, or does not answer in time */
  send(request: UpstreamRequest): Promise<IncomingMessage>;
  close(): void;
}

export function createUpstream(store: ObjectStore): Upstream {
  const client = clientOf(store);
  const root = hostOf(store);
  const { Agent } = root.startsWith("https:") ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_AT_ONCE });

  return {
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
