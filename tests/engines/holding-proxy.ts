// A proxy in front of a server that holds one request up, to deliver it long after its sender has given up, or loses one answer.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";

export interface HoldingProxy {
  readonly url: string;
  /** The next request whose path contains this goes no further. */
  holdNext(path: string): void;
  /** Sends it on. @returns the server's status */
  deliver(): Promise<number>;
  /** The next such request is served, but nobody hears of it. */
  loseNextAnswer(path: string): void;
  close(): Promise<void>;
}

export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  let toHold: string | undefined;
  let toLose: string | undefined;
  let held: (() => Promise<number>) | undefined;

  async function forward(request: IncomingMessage, body: Buffer) {
    const headers = Object.entries(request.headers).filter(
      ([name]) => !["host", "connection", "content-length", "transfer-encoding"].includes(name),
    );
    return await fetch(`${target}${request.url}`, {
      method: request.method ?? "POST",
      headers: headers.map(([name, value]): [string, string] => [name, String(value)]),
      body: new Uint8Array(body),
    });
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { url = "" } = request;
    if (toHold !== undefined && url.includes(toHold)) {
      toHold = undefined;
      held = async () => (await forward(request, body)).status;
      return;
    }
    const answer = await forward(request, body);
    if (toLose !== undefined && url.includes(toLose)) {
      toLose = undefined;
      request.socket.destroy();
      return;
    }
    // Addresses in it would lead past the proxy.
    const bytes = Buffer.from(await answer.arrayBuffer());
    const isText = answer.headers.get("content-type")?.includes("json") ?? false;
    const payload = isText ? Buffer.from(bytes.toString().replaceAll(target, proxyUrl())) : bytes;
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(payload);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");

  function proxyUrl(): string {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}`;
  }

  return {
    url: proxyUrl(),
    holdNext(path) {
      toHold = path;
    },
    async deliver() {
      if (held === undefined) throw new Error("nothing is held");
      return await held();
    },
    loseNextAnswer(path) {
      toLose = path;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
