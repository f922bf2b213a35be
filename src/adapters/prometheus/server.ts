// The HTTP port with /health and /metrics. Reads nothing of a request but its method and path.

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { toError, UserError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";

export interface HealthPages {
  /** Answered with 200 when `ok`, else with 503. */
  health(): { readonly ok: boolean; readonly [fact: string]: unknown };
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface HealthServer {
  /** As bound: the one chosen by the system when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

/** @throws UserError when the port cannot be opened */
export async function serveHealth(
  pages: HealthPages,
  address: { readonly port: number; readonly host: string },
  logger: Logger,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request.method ?? "", (request.url ?? "").split("?")[0] ?? "", response).catch((thrown: unknown) => {
      logger.warn("metrics:failed", { error: toError(thrown).message });
      send(response, 500, "text/plain; charset=utf-8", "The metrics could not be read; the log says why.\n");
    });
  });

  async function answer(method: string, path: string, response: ServerResponse): Promise<void> {
    if (method !== "GET" && method !== "HEAD") return send(response, 405, "text/plain; charset=utf-8", "GET only.\n");
    if (path === "/health") {
      const health = pages.health();
      return send(response, health.ok ? 200 : 503, "application/json", `${JSON.stringify(health)}\n`);
    }
    if (path === "/metrics") {
      const { contentType, text } = await pages.metrics();
      return send(response, 200, contentType, text);
    }
    send(response, 404, "text/plain; charset=utf-8", "There are /health and /metrics.\n");
  }

  try {
    server.listen(address.port, address.host);
    await once(server, "listening");
  } catch (thrown) {
    throw new UserError(
      `The health port ${address.host}:${address.port} cannot be opened: ${toError(thrown).message}. Choose another with HEALTH_PORT.`,
      { cause: thrown },
    );
  }
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
  logger.info("health-port:open", { host: address.host, port });
  return {
    port,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
  response.end(text);
}
