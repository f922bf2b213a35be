// Asks one OpenAI-compatible server for vectors and for the names of its models, in the form that it wants; which one that is, it
// finds out by itself where the server says what it refuses.

import { RejectedInputError, TransientError } from "../../errors.ts";
import type { Quotas } from "../../ports/embedder.ts";
import { type Answer, readAnswer } from "./answer.ts";
import { type ConnectionOptions, createConnection } from "./connection.ts";
import { CHECK_ADDRESS, FieldRefusedError } from "./faults.ts";
import { quotasIn } from "./quotas.ts";
import { type EmbeddingUse, fieldsOf, nextForm, type RequestForm, usualForm } from "./request-form.ts";

export interface ServerOptions extends ConnectionOptions {
  /** Asks the server for shorter vectors, where the model allows it. */
  readonly dimensions: number | undefined;
  /** What worked before. */
  readonly form?: RequestForm | undefined;
}

export interface AnswerWithQuotas extends Answer {
  readonly quotas: Quotas;
}

export interface Server {
  /** What worked last. */
  readonly form: RequestForm;
  /**
   * @param form to be tried instead of what worked last; on success it is what worked last
   * @throws TransientError, RejectedInputError, TooMuchAtOnceError, the signal's reason
   */
  embeddings(
    model: string,
    texts: readonly string[],
    use: EmbeddingUse,
    options?: { readonly form?: RequestForm | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<AnswerWithQuotas>;
  /** Names of the models it offers. */
  modelNames(signal?: AbortSignal): Promise<string[]>;
  /** Ends requests in flight. */
  close(): void;
}

export function createServer(options: ServerOptions): Server {
  const { where, dimensions } = options;
  const connection = createConnection(options);
  let form = options.form ?? usualForm;

  return {
    get form() {
      return form;
    },
    async embeddings(model, texts, use, { form: asked = form, signal } = {}) {
      let trying = asked;
      for (;;) {
        const body = {
          model,
          input: [...texts],
          ...fieldsOf(trying, use),
          ...(dimensions === undefined ? {} : { [trying.lengthField ?? "dimensions"]: dimensions }),
        };
        try {
          const answer = await connection.post(
            "/embeddings",
            body,
            texts,
            ({ body, headers }) => ({
              ...readAnswer(body, texts.length, where),
              quotas: quotasIn(headers, options.now()),
            }),
            signal,
          );
          const ignoresBase64 = trying.encoding === "base64" && answer.encoding === "float";
          form = ignoresBase64 ? { ...trying, encoding: "float" } : trying;
          return answer;
        } catch (thrown) {
          if (!(thrown instanceof FieldRefusedError)) throw thrown;
          const next = nextForm(trying, thrown.field, thrown.message);
          if (next === undefined && thrown.field === "dimensions") {
            throw new TransientError(
              `${where} cannot make vectors of another length (EMBEDDINGS_DIMENSIONS). It says: ${thrown.message}`,
              { cause: thrown },
            );
          }
          if (next === undefined) {
            throw new RejectedInputError(`${where} refuses the text. It says: ${thrown.message}`, { cause: thrown });
          }
          trying = next;
        }
      }
    },
    modelNames: (signal) => connection.get("/models", ({ body }) => namesIn(body, where), signal),
    close: connection.close,
  };
}

/** {data: [{id}]}; a bare list (Together), {models: [{name}]} (Ollama's own), and null for an empty list (Ollama) are understood, too. */
function namesIn(body: unknown, where: string): string[] {
  const { data, models, object } = (body ?? {}) as { data?: unknown; models?: unknown; object?: unknown };
  const list = [body, data, models].find(Array.isArray);
  if (list === undefined && object !== "list") {
    throw new TransientError(`${where} answers with something else than a list of models. ${CHECK_ADDRESS}`);
  }
  const entries: readonly unknown[] = list ?? [];
  return entries.flatMap((entry) => {
    const { id, name } = (entry ?? {}) as { id?: unknown; name?: unknown };
    return [id, name].filter((known) => typeof known === "string").slice(0, 1);
  });
}
