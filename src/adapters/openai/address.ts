// A server's address as people type it: mended, checked, and judged local or remote.

import { isIP } from "node:net";
import { UserError } from "../../errors.ts";

export interface ServerAddress {
  /** Ends in a path such as /v1, without a slash at the end. */
  readonly baseUrl: string;
  /** For messages. */
  readonly host: string;
  /** On this machine or in a private network: one person's model server rather than a service. */
  readonly local: boolean;
}

/** Accepts "http://localhost:1234" (adds /v1) and ".../v1/embeddings" too. @throws UserError */
export function parseServerAddress(typed: string): ServerAddress {
  const url = URL.canParse(typed) ? new URL(typed) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UserError("The embedding server's address must look like http://localhost:1234/v1.");
  }
  if (url.username || url.password) {
    throw new UserError(
      "The embedding server's address must not hold a user name or password: set the API key instead.",
    );
  }
  const path = url.pathname.replace(/\/+$/, "").replace(/\/embeddings$/, "") || "/v1";
  return { baseUrl: `${url.origin}${path}${url.search}`, host: url.host, local: isLocalHost(url.hostname) };
}

/** Loopback, private and carrier-grade NAT (Tailscale) ranges, and names that only resolve inside a network (Docker, mDNS). */
function isLocalHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 6) return host === "::1" || /^f[cd]|^fe[89ab]/.test(host);
  if (isIP(host) === 4) {
    return /^(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(host);
  }
  return !host.includes(".") || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
}
