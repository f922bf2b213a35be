// The model servers that the benches embed with: how long each takes, how many requests it works on at once, what it answers.

export const DIMENSIONS = 384;
export const MODEL = "bench-embed";

export interface ServerProfile {
  readonly name: string;
  /** Of a request, and on top of it per text. Milliseconds. */
  readonly fixedMs: number;
  readonly perTextMs: number;
  /** Requests it works on at once; further ones wait. */
  readonly parallel: number;
  /** Answers with JSON numbers whatever was asked for. */
  readonly floatsOnly: boolean;
  /** What the client is set to. */
  readonly parallelRequests: number;
}

export const serverProfiles = {
  instant: {
    name: "instant server",
    fixedMs: 0,
    perTextMs: 0,
    parallel: Number.POSITIVE_INFINITY,
    floatsOnly: false,
    parallelRequests: 4,
  },
  gpuLike: {
    name: "GPU-like server",
    fixedMs: 30,
    perTextMs: 0.5,
    parallel: 4,
    floatsOnly: false,
    parallelRequests: 4,
  },
  lmStudioLike: {
    name: "LM Studio-like server",
    fixedMs: 50,
    perTextMs: 2,
    parallel: 1,
    floatsOnly: true,
    parallelRequests: 1,
  },
} as const satisfies Record<string, ServerProfile>;

export type ServerName = keyof typeof serverProfiles;

/** What a bench embeds with. */
export type EmbedderName = ServerName | "builtIn";

export const embedderTitle = (name: EmbedderName) =>
  name === "builtIn" ? "built-in model" : serverProfiles[name].name;
