// The stand-in for Discord: one local HTTP server with REST, gateway and attachments, which an unmodified discord.js client logs
// into with `new Client({ rest: { api: sandbox.apiUrl } })`.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { attachmentAt } from "./attachments.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { createOldEditLimit, createRateLimits, type RateLimitOptions } from "./rate-limits.ts";
import { createRest, type LoggedRequest } from "./rest.ts";
import { createApplicationRoutes } from "./routes-application.ts";
import { createGuildRoutes } from "./routes-guilds.ts";
import { createInteractionRoutes } from "./routes-interactions.ts";
import { createMessageRoutes } from "./routes-messages.ts";
import { createSearchRoutes } from "./routes-search.ts";
import { createState, type WorldOptions } from "./state.ts";
import { createValidator, type Violation } from "./validation.ts";
import { createWorld, type World } from "./world.ts";

const REQUEST_LOG_LIMIT = 10_000;

export interface SandboxOptions extends WorldOptions {
  /** Default: a free port. */
  readonly port?: number;
  /** The bot's token. Default: one that looks like a real one. */
  readonly token?: string;
  /** Checks every request and answer against Discord's official description. Default: off. */
  readonly validate?: boolean;
  /** `false`: nothing is ever refused. Default: Discord's limits. */
  readonly rateLimits?: RateLimitOptions | false;
  readonly heartbeatIntervalMs?: number;
  /** So many shards are recommended. Default: by the number of guilds. */
  readonly shards?: number;
}

export interface Sandbox {
  /** For discord.js: `rest: { api: apiUrl }`. */
  readonly apiUrl: string;
  /** The server's address, without a trailing slash. */
  readonly url: string;
  readonly token: string;
  readonly world: World;
  readonly faults: Faults;
  /** Breaches of the official description, and failures of the stand-in itself. Empty when all is well. */
  readonly violations: readonly Violation[];
  /** The latest requests, oldest first. */
  readonly requests: readonly LoggedRequest[];
  readonly gateway: Pick<Gateway, "connections">;
  close(): Promise<void>;
}

/** Starts the stand-in on 127.0.0.1 with an empty world. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const server = createServer();
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const gatewayUrl = `ws://127.0.0.1:${port}`;

  const state = createState(options);
  const context = { state, filesUrl: url };
  const world = createWorld(context);
  const token = options.token ?? `${Buffer.from(state.applicationId).toString("base64url")}.stand.in`;
  const violations: Violation[] = [];
  const report = (violation: Violation) => violations.push(violation);
  const requests: LoggedRequest[] = [];
  const validator = options.validate ? await createValidator(report) : undefined;

  const gateway = createGateway({
    context,
    server,
    token,
    url: gatewayUrl,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 41_250,
    validator,
  });

  async function stopListening(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    gateway.drop(true);
    server.closeAllConnections();
    await closed;
  }

  const { faults, take } = createFaults({
    dropGateway: (resumable) => gateway.drop(resumable),
    setAvailable: gateway.setAvailable,
    refuse: stopListening,
    accept: () => listen(port),
  });
  const rest = createRest({
    token,
    routes: [
      ...createApplicationRoutes(state, gatewayUrl, options.shards),
      ...createGuildRoutes(state),
      ...createSearchRoutes(context),
      ...createMessageRoutes(context, createOldEditLimit(options.rateLimits)),
      ...createInteractionRoutes(context),
    ],
    rateLimits: createRateLimits(options.rateLimits),
    takeFaults: take,
    validator,
    report,
    log: (request) => {
      requests.push(request);
      if (requests.length > REQUEST_LOG_LIMIT) requests.splice(0, REQUEST_LOG_LIMIT / 2);
    },
  });

  function serveAttachment(path: string, response: ServerResponse): void {
    const file = attachmentAt(state, path);
    if (!file?.data) return void response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": file.contentType }).end(file.data);
  }

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "/";
    if (path.startsWith("/attachments/")) return serveAttachment(path, response);
    rest(request, response).catch((thrown: unknown) => {
      report({ where: "answer", what: path, problem: `the stand-in failed: ${String(thrown)}` });
      response.destroy();
    });
  });

  return {
    apiUrl: `${url}/api`,
    url,
    token,
    world,
    faults,
    violations,
    requests,
    gateway,
    async close() {
      gateway.close();
      await stopListening();
    },
  };
}
