// Embeds a query for each generation of an index, in the space of its rows: by the embedder in use, or by the former one, under the settings
// it had, for as long as that answers. A former one that does not is left alone for a while: searches go on by words.

import { TransientError, toError } from "../errors.ts";
import { getOrMake } from "../maps.ts";
import type { Clock } from "../ports/clock.ts";
import type { Embedder, EmbedderSettings, EmbedQuery } from "../ports/embedder.ts";
import type { Generation } from "../ports/generations.ts";
import type { Logger } from "../ports/logger.ts";

/** A former embedder that failed is not asked again for this long. */
const REST_MS = 60_000;
/** Nor is one that is this slow: a server that must load the former model for each query would slow down every search. */
const SLOW_MS = 2_000;

export interface QueryEmbedders {
  /** Always the same function for the same space; undefined when its embedder is gone. */
  of(generation: Pick<Generation, "space" | "embedder">): EmbedQuery | undefined;
  close(): Promise<void>;
}

export function createQueryEmbedders(parts: {
  readonly present: { readonly space: Embedder["space"]; readonly embedQuery: EmbedQuery };
  /** @returns undefined when there is no way to reach it */
  readonly connect: (settings: EmbedderSettings) => Embedder | undefined;
  readonly clock: Pick<Clock, "elapsed">;
  readonly logger: Logger;
}): QueryEmbedders {
  const { present, clock, logger } = parts;
  const embedders: Embedder[] = [];
  const known = new Map<string, EmbedQuery | undefined>();

  function connect(settings: EmbedderSettings): EmbedQuery | undefined {
    const embedder = parts.connect(settings);
    if (embedder === undefined) return undefined;
    embedders.push(embedder);
    let restsUntilMs = 0;
    const rest = (reason: string) => {
      restsUntilMs = clock.elapsed() + REST_MS;
      logger.info("former-embedder:rests", { modelId: embedder.space.modelId, reason });
    };
    return async (text, signal) => {
      if (clock.elapsed() < restsUntilMs) throw new TransientError("the former model does not answer");
      const startedAt = clock.elapsed();
      try {
        const [vector] = await embedder.embed([text], "query", signal);
        if (clock.elapsed() - startedAt > SLOW_MS) rest("slow");
        if (vector !== undefined) return vector;
      } catch (thrown) {
        rest(toError(thrown).message);
        throw thrown;
      }
      throw new TransientError("the former model answered without a result");
    };
  }

  return {
    of({ space, embedder }) {
      if (space.fingerprint === present.space.fingerprint) return present.embedQuery;
      return getOrMake(known, space.fingerprint, () => connect(embedder));
    },
    async close() {
      for (const embedder of embedders) await embedder.close();
    },
  };
}
