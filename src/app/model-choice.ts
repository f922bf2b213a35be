// Which embedder is used: the built-in model, or the one that a server serves, which is waited for. A server that turns out to serve
// another model, while nothing is indexed yet, is asked again, and all begins anew with that one.

import { loadStaticModel } from "../adapters/builtin-model/model.ts";
import type { StaticModel } from "../adapters/builtin-model/static-model.ts";
import { toError } from "../errors.ts";
import type { Embedder } from "../ports/embedder.ts";
import { noticingAnotherModel } from "./agreed-model.ts";
import { connectEmbedder, type EmbedderParts } from "./choose-embedder.ts";
import type { NotReady } from "./not-ready.ts";

/** What works with the embedder that was chosen. */
export interface EmbedderUse {
  /** @param isUp it has answered just now */
  open(embedder: Embedder, isUp: boolean, builtinModel: StaticModel): Promise<void>;
  isOpen(): boolean;
  /** Nothing is indexed with it. */
  isEmpty(): Promise<boolean>;
  close(): Promise<void>;
  /** It has been opened again, for another one. */
  onChosenAgain(): Promise<void>;
}

export interface ModelChoiceParts extends Omit<EmbedderParts, "builtinModel" | "onUnreachable"> {
  readonly modelFolder: string;
  readonly notReady: Pick<NotReady, "because">;
  /** Work that nobody waits for. */
  background(subject: string, work: Promise<void>): void;
}

/** @returns resolves when all is open for an embedder, or when it is to stop; rejects when that cannot be */
export function chooseModel(
  { modelFolder, embeddings, memoryFile, notReady, background, clock, logger }: ModelChoiceParts,
  use: EmbedderUse,
  stop: AbortSignal,
): Promise<void> {
  let isChoosingAgain = false;

  async function choose(): Promise<void> {
    const builtinModel = await loadStaticModel(modelFolder);
    const onUnreachable = (detail: string) => notReady.because("it waits for the search model", detail);
    const asked = { embeddings, builtinModel, memoryFile, clock, logger, onUnreachable };
    const connected = await connectEmbedder(asked, stop);
    if (connected === undefined) return;
    const embedder = noticingAnotherModel(connected.embedder, () => background("embedder", chooseAgain()));
    await use.open(embedder, connected.isUp, builtinModel);
  }

  async function chooseAgain(): Promise<void> {
    if (!use.isOpen() || isChoosingAgain || stop.aborted) return;
    isChoosingAgain = true;
    try {
      if (!(await use.isEmpty())) return;
      logger.warn("embedder:chosen-again");
      notReady.because("the search model was changed before anything was searchable");
      await use.close();
      await choose();
      await use.onChosenAgain();
    } finally {
      isChoosingAgain = false;
    }
  }

  const chosen = choose();
  chosen.catch((thrown: unknown) => notReady.because("it could not be started", toError(thrown).message));
  return chosen;
}
