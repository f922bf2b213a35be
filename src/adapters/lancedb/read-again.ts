// Reads that do not end for upkeep: it drops a version as soon as it has made the next, whoever reads it.

import { toError } from "../../errors.ts";
import { callOf, decorateIndex, indexMethods } from "../../ports/decorate-index.ts";
import type { VectorIndex } from "../../ports/vector-index.ts";
import { isGone } from "./faults.ts";

/** @param moveOn to the latest version whose change is complete */
export function readAgain(index: VectorIndex, moveOn: () => Promise<unknown>): VectorIndex {
  return decorateIndex(index, (name) => {
    const call = callOf(index, name);
    if (indexMethods[name] !== "reads" && indexMethods[name] !== "decides") return call;
    return async (...given) => {
      try {
        return await call(...given);
      } catch (thrown) {
        if (!isGone(toError(thrown))) throw thrown;
        await moveOn();
        return await call(...given);
      }
    };
  });
}
