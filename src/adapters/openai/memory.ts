// Remembers in a file what was found out about servers, so that neither a server that is down nor a restart costs a new negotiation.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { toError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ServedModel } from "./options.ts";
import { encodings, inputTypes, lengthFields } from "./request-form.ts";

const servedSchema = z.object({
  modelId: z.string(),
  answersAs: z.string(),
  dimensions: z.int().positive(),
  form: z
    .object({
      encoding: z.enum(encodings),
      inputType: z.enum(inputTypes),
      lengthField: z.enum(lengthFields).optional(),
    })
    .optional(),
  marks: z.object({ document: z.boolean(), query: z.boolean() }).optional(),
  textsPerRequest: z.int().positive().optional(),
  tokensPerRequest: z.int().positive().optional(),
  unrelatedCosine: z.number().optional(),
});
const fileSchema = z.record(z.string(), servedSchema);

export interface ServerMemory {
  /** What the file says of this server and model. */
  readonly known: ServedModel | undefined;
  /** A failure is logged: then the server is asked again next time. */
  remember(served: ServedModel): Promise<void>;
}

/** @param asked the server and model as they were set: its key in the file */
export async function openServerMemory(
  file: string,
  asked: { readonly baseUrl: string; readonly model?: string | undefined; readonly dimensions?: number | undefined },
  logger: Logger,
): Promise<ServerMemory> {
  const key = [asked.baseUrl, asked.model ?? "", ...(asked.dimensions === undefined ? [] : [asked.dimensions])].join(
    " ",
  );
  const { [key]: known } = await read(file);
  let writing = Promise.resolve();

  async function write(served: ServedModel): Promise<void> {
    try {
      await mkdir(dirname(file), { recursive: true });
      const all = { ...(await read(file)), [key]: served };
      // Several processes may share it, and read it at any time.
      const draft = `${file}.${process.pid}`;
      await writeFile(draft, `${JSON.stringify(all, null, 2)}\n`);
      await rename(draft, file);
    } catch (thrown) {
      logger.warn("embedder:not-remembered", { error: toError(thrown).message });
    }
  }

  return {
    known,
    remember(served) {
      writing = writing.then(() => write(served));
      return writing;
    },
  };
}

async function read(file: string): Promise<Record<string, ServedModel>> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    // Absent or damaged: then nothing is remembered, and the server is asked.
    return {};
  }
}
