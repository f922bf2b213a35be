// A server's address as people type it: mended, checked, and judged local or remote, Azure's or not.

import { isIP } from "node:net";
import { UserError } from "../../errors.ts";

export interface ServerAddress {
  /** Ends in a path such as /v1, without a slash at the end and without a query. */
  readonly baseUrl: string;
  /** Sent with each request, e.g. Azure's api-version. */
  readonly query: Readonly<Record<string, string>>;
  /** For messages. */
  readonly host: string;
  /** On this machine or in a private network: one person's model server rather than a service. */
  readonly local: boolean;
  /** The header that carries the API key. */
  readonly keyHeader: "authorization" | "api-key";
  /** Azure: the deployment that the address names, which stands for a model and is the only one there. */
  readonly deployment: string | undefined;
}

/** https://learn.microsoft.com/azure/ai-foundry/openai/reference: hosts of Azure's OpenAI resources and of Foundry's. */
const AZURE_HOST = /\.(openai\.azure\.(com|us|cn)|cognitiveservices\.azure\.(com|us|cn)|services\.ai\.azure\.com)$/;
/** The latest stable one for deployments; /openai/v1 needs none. */
const AZURE_API_VERSION = "2024-10-21";

/** Accepts "http://localhost:1234" (adds /v1), ".../v1/embeddings" and Azure's deployment addresses too. @throws UserError */
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
  const isAzure = AZURE_HOST.test(url.hostname);
  const given = url.pathname.replace(/\/+$/, "").replace(/\/embeddings$/, "");
  const path = isAzure && (given === "" || given === "/openai") ? "/openai/v1" : given || "/v1";
  const deployment = /\/openai\/deployments\/([^/]+)$/.exec(path)?.[1];
  const query = Object.fromEntries(url.searchParams);
  if (deployment !== undefined && isAzure) query["api-version"] ??= AZURE_API_VERSION;
  return {
    baseUrl: `${url.origin}${path}`,
    query,
    host: url.host,
    local: isLocalHost(url.hostname),
    keyHeader: isAzure ? "api-key" : "authorization",
    deployment: deployment === undefined ? undefined : decodeURIComponent(deployment),
  };
}

/** Loopback, private and carrier-grade NAT (Tailscale) ranges, and names that only resolve inside a network (Docker, mDNS). */
function isLocalHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (isIP(host) === 6) return host === "::1" || /^(f[cd][\da-f]{2}|fe[89ab][\da-f]):/.test(host);
  if (isIP(host) === 4) {
    return /^(0|127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(host);
  }
  return !host.includes(".") || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
}
