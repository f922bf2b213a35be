// A server on a free port of this machine, for one test.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { closeAfterTest } from "./backscroll.ts";

/** Closed after the test, with its connections. @returns its address */
export async function listenForTest(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeAfterTest(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
