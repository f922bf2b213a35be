// What is known of embedding models by name: the words they want before a text, how much they read, and when two names mean one model.

export interface ModelTraits {
  /** Put before every text that is stored. */
  readonly documentPrefix: string;
  /** Put before every query. */
  readonly queryPrefix: string;
  /** Longer texts are cut off or refused. */
  readonly tokensPerText: number;
}

const RETRIEVAL_QUERY = "Represent this sentence for searching relevant passages: ";
const INSTRUCTED_QUERY =
  "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ";

/** First match wins. Prefixes and limits are those of each model's card on https://huggingface.co, named beside it. */
const KNOWN: readonly (readonly [pattern: RegExp, traits: Partial<ModelTraits>])[] = [
  // nomic-ai/nomic-embed-text-v2-moe
  [/nomic-embed-text-v2/, { documentPrefix: "search_document: ", queryPrefix: "search_query: " }],
  // nomic-ai/nomic-embed-text-v1.5; 8192 tokens, but 2048 where Ollama and LM Studio run it
  [/nomic-embed-text/, { documentPrefix: "search_document: ", queryPrefix: "search_query: ", tokensPerText: 2048 }],
  // google/embeddinggemma-300m
  [
    /embedding-?gemma/,
    { documentPrefix: "title: none | text: ", queryPrefix: "task: search result | query: ", tokensPerText: 2048 },
  ],
  // intfloat/multilingual-e5-large-instruct, intfloat/e5-mistral-7b-instruct
  [/e5-.*instruct|e5-mistral/, { queryPrefix: INSTRUCTED_QUERY }],
  // intfloat/e5-base-v2, intfloat/multilingual-e5-small
  [/\be5-/, { documentPrefix: "passage: ", queryPrefix: "query: " }],
  // BAAI/bge-m3
  [/bge-m3/, { tokensPerText: 8192 }],
  // BAAI/bge-base-zh-v1.5
  [/bge-.*-zh/, { queryPrefix: "为这个句子生成表示以用于检索相关文章：" }],
  // BAAI/bge-base-en-v1.5
  [/bge-(small|base|large)/, { queryPrefix: RETRIEVAL_QUERY }],
  // mixedbread-ai/mxbai-embed-large-v1
  [/mxbai-embed/, { queryPrefix: RETRIEVAL_QUERY }],
  // Snowflake/snowflake-arctic-embed-l-v2.0 (Ollama: snowflake-arctic-embed2)
  [/arctic-embed(2|-.*v2)/, { queryPrefix: "query: ", tokensPerText: 8192 }],
  // Snowflake/snowflake-arctic-embed-m-v1.5
  [/arctic-embed/, { queryPrefix: RETRIEVAL_QUERY }],
  // Qwen/Qwen3-Embedding-0.6B; reads 32k
  [/qwen3-embedding/, { queryPrefix: INSTRUCTED_QUERY, tokensPerText: 8192 }],
  // sentence-transformers/all-MiniLM-L6-v2
  [/minilm/, { tokensPerText: 256 }],
  // https://platform.openai.com/docs/guides/embeddings
  [/text-embedding-(3|ada)/, { tokensPerText: 8191 }],
];

const UNKNOWN_MODEL: ModelTraits = { documentPrefix: "", queryPrefix: "", tokensPerText: 512 };

/** @param names of one model; the first that is known decides */
export function traitsOf(...names: readonly string[]): ModelTraits {
  const known = names.flatMap((name) => KNOWN.filter(([pattern]) => pattern.test(name.toLowerCase())));
  return { ...UNKNOWN_MODEL, ...known[0]?.[1] };
}

/** True for names that look like an embedding model's, to choose one from a server's list. */
export function looksLikeEmbeddingModel(modelName: string): boolean {
  return /embed|bge-|\be5-|\bgte-|minilm|arctic-/i.test(modelName);
}

/**
 * The name without what servers add to it: paths ("BAAI/"), LM Studio's "text-embedding-" and "@q8_0", Ollama's ":latest",
 * quantisations and file endings.
 */
export function plainModelName(modelName: string): string {
  return (modelName.split("/").at(-1) ?? modelName)
    .toLowerCase()
    .replace(/@.*$|:latest$/, "")
    .replace(/\.gguf$/, "")
    .replace(/[-.](gguf|f16|f32|bf16|i?q\d\w*)$/, "")
    .replace(/^text-embedding-(?!3-|ada-)/, "");
}

/** True when one name can be short for the other, e.g. "nomic-embed-text" and "text-embedding-nomic-embed-text-v1.5@q8_0". */
export function namesResemble(a: string, b: string): boolean {
  const [fewer, more] = [nameParts(a), nameParts(b)].sort((left, right) => left.size - right.size);
  return fewer !== undefined && more !== undefined && [...fewer].every((part) => more.has(part));
}

function nameParts(modelName: string): Set<string> {
  return new Set(plainModelName(modelName).split(/[-_:\s]+/));
}
