// The page's own HTTP server, on this machine only: the page's files, what a member sees as JSON, what happens as server-sent
// events, and the members' actions. It answers to its own name and its own page alone, and holds no secret (the bot's token stays
// with the stand-in).

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toError } from "../../src/errors.ts";
import type { Snowflake } from "../../src/snowflake.ts";
import { attachmentAt } from "../attachments.ts";
import type { World } from "../world.ts";
import { createActions } from "./actions.ts";
import { bundlePage } from "./bundle.ts";
import { placeholderPicture } from "./placeholder.ts";
import { checkMember, checkSees, createMemberView } from "./view.ts";
import type { Action } from "./wire.ts";

const BODY_LIMIT_BYTES = 64 * 1024;

/** The components set style attributes, hence `style-src-attr`; scripts run from the page's own file only. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types lit-html",
].join("; ");

/** An attachment is somebody's file: whatever it is, it gets no rights when opened by itself. */
const FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};

export interface PageOptions {
  readonly guildId: Snowflake;
  /** Whom the member switch offers first; the page begins as the first of them. */
  readonly memberIds: readonly Snowflake[];
  /** Where to begin: the first of these that the member sees. */
  readonly channelIds: readonly Snowflake[];
  /** Taken if it is free, else any other. */
  readonly port: number;
}

export interface PageServer {
  /** e.g. "http://127.0.0.1:4747" */
  readonly url: string;
  close(): Promise<void>;
}

export async function servePage(world: World, options: PageOptions): Promise<PageServer> {
  const { guildId } = options;
  const files = await bundlePage();
  const view = createMemberView(world, guildId, options);
  const act = createActions(world);
  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 422, { problem: toError(thrown).message });
    });
  });
  const port = await listen(server, options.port);
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host = "" } = request.headers;
    // A page elsewhere could point its own name at 127.0.0.1 (DNS rebinding); it would still send that name.
    if (!hosts.includes(host)) return sendText(response, 421, "This server answers to its own name only.");
    const url = new URL(request.url ?? "/", `http://${host}`);
    if (url.pathname.startsWith("/attachments/")) return sendFile(response, url.pathname);
    const file = files.get(url.pathname);
    if (file && (request.method === "GET" || request.method === "HEAD")) {
      response.writeHead(200, { ...HEADERS, "Content-Type": file.type, "Content-Security-Policy": PAGE_POLICY });
      return void response.end(file.body);
    }
    if (!url.pathname.startsWith("/api/")) return sendText(response, 404, "There is no such page.");
    const viewerId = checkMember(world, guildId, url.searchParams.get("as") ?? options.memberIds[0] ?? "");
    const channelId = () => checkSees(world, viewerId, url.searchParams.get("channel") ?? "");
    switch (`${request.method} ${url.pathname}`) {
      case "GET /api/directory":
        return sendJson(response, 200, view.directory(viewerId));
      case "GET /api/history":
        return sendJson(response, 200, view.history(viewerId, channelId(), anchorOf(url.searchParams)));
      case "GET /api/commands":
        return sendJson(response, 200, view.commands(viewerId, channelId()));
      case "GET /api/happenings":
        return stream(response, viewerId);
      case "POST /api/actions": {
        if (request.headers.origin !== `http://${host}`)
          return sendText(response, 403, "Only the page itself may do that.");
        const action = (await readJson(request)) as Action;
        // That Discord's client would not let something through is an answer like any other.
        const outcome = await act(viewerId, action).catch((thrown: unknown) => ({ problem: toError(thrown).message }));
        return sendJson(response, 200, outcome);
      }
      default:
        return sendText(response, 404, "There is nothing here.");
    }
  }

  function stream(response: ServerResponse, viewerId: Snowflake): void {
    response.writeHead(200, { ...HEADERS, "Content-Type": "text/event-stream" });
    response.write(": here we go\n\n");
    const unsubscribe = world.subscribe((event) => {
      const happening = view.happening(viewerId, event);
      if (happening) response.write(`data: ${JSON.stringify(happening)}\n\n`);
    });
    response.once("close", unsubscribe);
  }

  function sendFile(response: ServerResponse, path: string): void {
    const file = attachmentAt(world.state, path);
    const isPicture = file?.contentType.startsWith("image/") ?? false;
    if (!file || !(file.data || isPicture)) {
      sendText(response, 404, "This file is not part of the demo.");
      return;
    }
    const type = file.data ? file.contentType : "image/svg+xml";
    response.writeHead(200, { ...HEADERS, "Content-Type": type, "Content-Security-Policy": FILE_POLICY });
    response.end(file.data ?? placeholderPicture(file));
  }

  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** @returns the port taken */
async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE")) throw thrown;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  return (server.address() as AddressInfo).port;
}

function anchorOf(query: URLSearchParams): { before?: Snowflake; after?: Snowflake; around?: Snowflake } {
  const names = ["before", "after", "around"] as const;
  const found = names.find((name) => /^\d{1,20}$/.test(query.get(name) ?? ""));
  return found ? { [found]: query.get(found) ?? "" } : {};
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_LIMIT_BYTES) throw new Error("that is too much at once");
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...HEADERS, "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, "Content-Type": "text/plain; charset=utf-8" });
  response.end(text);
}
