// Single objects of a store, as far as the index needs them beside LanceDB: how much there is, and copying.

import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { ReadableStream } from "node:stream/web";
import { TransientError, toError } from "../../errors.ts";
import { clientOf, hostOf, type ObjectStore, send } from "./object-store.ts";

/** A list, or the beginning of an answer. */
const ANSWER_MS = 20_000;
/** A whole object of some gigabytes. */
const OBJECT_MS = 30 * 60_000;

export interface StoredObject {
  /** Below the store's prefix. */
  readonly path: string;
  readonly bytes: number;
}

export interface Objects {
  /** Everything below a folder, or below the prefix. */
  list(folder?: string): Promise<StoredObject[]>;
  /** @throws TransientError when it does not come whole */
  read(path: string): Promise<ReadableStream<Uint8Array>>;
  /** @param sha256 of the content, in hexadecimal: the store refuses what arrives otherwise */
  write(path: string, content: Blob, sha256: string): Promise<void>;
  remove(path: string): Promise<void>;
}

export function objectsOf(store: ObjectStore): Objects {
  const client = clientOf(store);
  const [, , bucket = "", ...prefix] = store.uri.split("/");
  const root = `${hostOf(store)}/${bucket}`;
  const encoded = (path: string) => [...prefix, ...path.split("/")].map(encodeURIComponent).join("/");

  async function fetched(address: string, ms: number, init: RequestInit = {}): Promise<Response> {
    const answer = await client.fetch(address, { ...init, signal: AbortSignal.timeout(ms) }).catch(unreachable);
    if (answer.ok) return answer;
    throw refused(answer.status, await answer.text());
  }

  async function open(address: string): Promise<IncomingMessage> {
    const answer = await send(client, address, { signal: AbortSignal.timeout(OBJECT_MS) }).catch(unreachable);
    if (answer.statusCode === 200) return answer;
    throw refused(answer.statusCode, await text(answer));
  }

  return {
    async list(folder) {
      const below = [...prefix, ...(folder === undefined ? [] : [folder])].map((part) => `${part}/`).join("");
      const query = new URLSearchParams({ "list-type": "2", prefix: below });
      const found: StoredObject[] = [];
      for (;;) {
        const listing = await (await fetched(`${root}?${query}`, ANSWER_MS)).text();
        for (const [, entry = ""] of listing.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
          const path = textOf(entry, "Key").slice(prefix.reduce((length, part) => length + part.length + 1, 0));
          // A gateway in front of a folder lists folders, too.
          if (!path.endsWith("/")) found.push({ path, bytes: Number(textOf(entry, "Size")) });
        }
        const next = textOf(listing, "NextContinuationToken");
        if (next === "") return found;
        query.set("continuation-token", next);
      }
    },
    async read(path) {
      return Readable.toWeb(await open(`${root}/${encoded(path)}`));
    },
    async write(path, content, sha256) {
      const headers = { "x-amz-content-sha256": sha256 };
      await fetched(`${root}/${encoded(path)}`, OBJECT_MS, { method: "PUT", body: content, headers });
    },
    async remove(path) {
      await fetched(`${root}/${encoded(path)}`, ANSWER_MS, { method: "DELETE" });
    },
  };
}

function unreachable(thrown: unknown): never {
  throw new TransientError(`The object store cannot be reached (${toError(thrown).message}).`, { cause: thrown });
}

function refused(status: number | undefined, answer: string): TransientError {
  return new TransientError(`The object store answers with status ${status}.`, { cause: answer });
}

function textOf(xml: string, tag: string): string {
  const text = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? "";
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
