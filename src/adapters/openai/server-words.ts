// What servers say when something is wrong, in their own words: where these are in a body, what they mean, and what of them may be
// repeated. Status codes alone do not tell faults apart (LM Studio answers 400 to nearly everything, llama.cpp 500 to a long text).

export const SAYS = {
  tooLong:
    /context (length|size|window)|(too many|fewer than \d+|less than \d+) tokens|max(imum)?.{0,40}(tokens|length)|input length|(input|text|prompt|content)s?.{0,30}too (long|large)|exceeds? .{0,30}(tokens|context|length)|physical batch size|token limit/i,
  noModel:
    /no models? .{0,30}loaded|no such model|model .{0,80}(not (been )?(loaded|found)|does(n't| not) exist|unloaded|crashed)|((failed|could not|unable|cannot) (to )?load|load a) .{0,20}model|try pulling/i,
  // llama.cpp, vLLM behind a gateway: it only takes a while.
  stillLoading: /loading (the )?model|model is (still |currently )?loading/i,
  badKey: /api[ _-]?key|unauthori[sz]ed|authentication/i,
  badEncoding: /encoding_?format|base64/i,
  badInputType: /input_?type\b/i,
  badLength:
    /(extra|unexpected|unrecogni[sz]ed|unknown|invalid|support|permitted).{0,60}\bdimensions\b|\bdimensions\b.{0,60}(extra|unexpected|unrecogni[sz]ed|unknown|permitted)/i,
  // vLLM answers 400 to this, Ollama 500, llama.cpp 501.
  notEmbedding: /(not|n't) support.{0,20}embedding|not an embedding|model is not embedding/i,
  misconfigured: /matryoshka|\bdimensions?\b|unexpected endpoint|unsupported endpoint/i,
  quota: /quota|billing|credit|balance/i,
} as const;

/** The number after words that set a limit: "at most 100", "not be larger than 10", "maximum length 2048", "max 300000 tokens". */
const LIMIT =
  /(?:at most|(?:larger|greater|more|longer|fewer|less) than(?: or equal to)?|exceed(?:ing|s)?(?: the limit of)?|up to|limit(?:ed)?(?: is| of| to|:)?|max(?:imum|\.)?(?: (?:allowed|number|batch|request|array|length|size|count|of|inputs?|texts?|items?|tokens|per|submitted)){0,7}(?: is|:| of)?|[<≤]=?)\s*(\d[\d,]*)/gi;

/** A request of several texts is too large: TEI, DashScope, Gemini, OpenAI, Azure, Jina, Cohere, Mistral, Voyage, FastAPI. */
const TOO_MANY_TEXTS =
  /batch size|too many (inputs|texts|items)|(inputs|texts|items|documents|requests) (can|must|may|should|in one|per)|(number of|maximum|max|at most \d+) (inputs|texts|items|documents)|in one batch|array too long|list (can|should|must)|split into more batches/i;
const TOO_MANY_TOKENS =
  /tokens? (per|in (one|a|the)) (request|batch)|tokens per submitted batch|(request size|batch).{0,30} tokens|tokens overall/i;
/** About a single text although it speaks of a batch: llama.cpp's physical batch. */
const OF_ONE_TEXT = /physical batch size/i;

/** @returns undefined when it is not about that; `limit` as far as the server names one below what was sent */
export function tooManyTexts(says: string, sent: number): { readonly limit: number | undefined } | undefined {
  if (sent < 2 || OF_ONE_TEXT.test(says) || TOO_MANY_TOKENS.test(says) || !TOO_MANY_TEXTS.test(says)) return undefined;
  return { limit: limitsIn(says).find((limit) => limit < sent) };
}

/** The same for the tokens of a whole request. */
export function tooManyTokens(says: string): { readonly limit: number | undefined } | undefined {
  if (OF_ONE_TEXT.test(says) || !TOO_MANY_TOKENS.test(says)) return undefined;
  return { limit: limitsIn(says)[0] };
}

function limitsIn(says: string): number[] {
  return [...says.matchAll(LIMIT)].map((match) => Number(match[1]?.replaceAll(",", ""))).filter((limit) => limit > 0);
}

/** What an error's body says, wherever this kind of server puts it; with the field that it is about, which FastAPI tells apart. */
export function messageIn(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  // Gemini's compatible endpoint puts its errors into a list.
  if (Array.isArray(body)) return typeof body[0] === "string" ? body[0] : (aboutField(body[0]) ?? messageIn(body[0]));
  const { error, message, detail, param, errors } = body as Record<string, unknown>;
  if (error && typeof error === "object") return messageIn(error) ?? "an error without a message";
  // A text, a list of problems, or (Mistral, DeepInfra) an object around one of these.
  const inside = [message, detail].map((each) => messageIn(each)).find((text) => text !== undefined);
  const found = [error, message, detail, inside].find((text) => typeof text === "string" && text !== "");
  if (typeof found !== "string") return Array.isArray(errors) ? messageIn(errors) : undefined;
  const field = [param, fieldOf(Array.isArray(errors) ? errors[0] : undefined)].find(
    (name) => typeof name === "string" && /encoding_format|input_type/.test(name) && !found.includes(name),
  );
  return field === undefined ? found : `${found} (${String(field)})`;
}

/** FastAPI: {loc: ["body", "encoding_format"], msg}; Jina: {field: "body -> … -> encoding_format", message}. */
function aboutField(problem: unknown): string | undefined {
  const { msg, message } = (problem ?? {}) as { msg?: unknown; message?: unknown };
  const says = [msg, message].find((text) => typeof text === "string");
  const field = fieldOf(problem);
  return says === undefined ? field : field === undefined ? String(says) : `${field}: ${String(says)}`;
}

function fieldOf(problem: unknown): string | undefined {
  const { loc, field } = (problem ?? {}) as { loc?: unknown; field?: unknown };
  const name: unknown = Array.isArray(loc) ? loc.filter((part) => part !== "body").join(".") : field;
  return typeof name === "string" && name !== "" ? name : undefined;
}

/** As much in common with what was sent is no coincidence. Characters. */
const ECHO_LENGTH = 12;

/** What a server says, with "…" for the parts that quote the texts it was sent: errors reach logs and admins, members' words must not. */
export function withoutEcho(says: string, sent: readonly string[]): string {
  const whole = sent.join("\n");
  const isEcho = (from: number, to: number) => to <= says.length && whole.includes(says.slice(from, to));
  let clean = "";
  for (let at = 0; at < says.length; ) {
    const short = sent.find((text) => text.length > 2 && text.length < ECHO_LENGTH && says.startsWith(text, at));
    let end = at + (short?.length ?? (isEcho(at, at + ECHO_LENGTH) ? ECHO_LENGTH : 0));
    while (end - at >= ECHO_LENGTH && isEcho(at, end + 1)) end += 1;
    clean += end > at ? "…" : says[at];
    at = Math.max(end, at + 1);
  }
  return clean;
}
