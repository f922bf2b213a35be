// LangChain.js with its LanceDB store and OpenAI embeddings, as its documentation has it. A process of its own, in plain
// JavaScript, because its packages are not those of the project.
//
//   langchain.mjs TEXTS.json BASE_URL MODEL FOLDER   ->   {"seconds": ...} on stdout

import { readFile } from "node:fs/promises";
import { LanceDB } from "@langchain/community/vectorstores/lancedb";
import { Document } from "@langchain/core/documents";
import { OpenAIEmbeddings } from "@langchain/openai";

/** As many texts a request as Backscroll sends, and so many documents at a time that four requests are under way together. */
const TEXTS_PER_REQUEST = 256;
const DOCUMENTS_AT_ONCE = 4 * TEXTS_PER_REQUEST;

const [, , file = "", baseURL = "", model = "", uri = ""] = process.argv;
const records = JSON.parse(await readFile(file, "utf8"));
const documents = records.map(({ text, ...metadata }) => new Document({ pageContent: text, metadata }));
const embeddings = new OpenAIEmbeddings({
  model,
  apiKey: "none",
  batchSize: TEXTS_PER_REQUEST,
  configuration: { baseURL },
});
const store = new LanceDB(embeddings, { uri, tableName: "messages" });

const startedAt = performance.now();
for (let start = 0; start < documents.length; start += DOCUMENTS_AT_ONCE) {
  await store.addDocuments(documents.slice(start, start + DOCUMENTS_AT_ONCE));
}
console.log(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000 }));
process.exit(0);
