// Which model a server serves is believed when two answers say so: the first one may come from a server that is just changing its
// model, and all that is indexed would be bound to it.

import type { ServedModel } from "../adapters/openai/index.ts";
import { AnotherModelError, TransientError } from "../errors.ts";
import type { Embedder } from "../ports/embedder.ts";

/**
 * @param probe asks the server
 * @param known what was agreed on earlier, and counts as one of the two
 * @throws TransientError when the answers contradict each other; whatever the probe throws
 */
export async function agreedModel(
  probe: () => Promise<ServedModel>,
  known: ServedModel | undefined,
): Promise<ServedModel> {
  const first = await probe();
  if (known !== undefined && isSame(first, known)) return first;
  const second = await probe();
  if (isSame(first, second)) return second;
  throw new TransientError(
    `It answers as ${spell(first)}, and a moment later as ${spell(second)}. I wait until two answers agree.`,
  );
}

const isSame = (one: ServedModel, other: ServedModel) =>
  one.modelId === other.modelId && one.answersAs === other.answersAs && one.dimensions === other.dimensions;

const spell = ({ modelId, answersAs, dimensions }: ServedModel) =>
  `"${answersAs || modelId}" with ${dimensions} numbers`;

/** The same embedder. @param onAnotherModel whenever the server answers with another model than was agreed on */
export function noticingAnotherModel(embedder: Embedder, onAnotherModel: () => void): Embedder {
  return {
    ...embedder,
    async embed(...asked) {
      try {
        return await embedder.embed(...asked);
      } catch (thrown) {
        if (thrown instanceof AnotherModelError) onAnotherModel();
        throw thrown;
      }
    },
  };
}
