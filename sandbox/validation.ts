// Checks what the bot sends and what the stand-in answers against Discord's official API description (discord-api-spec, a
// development dependency: zod schemas made from it). route-table.json says which schema belongs to which route.

import { readFileSync } from "node:fs";

/** One breach of the official description, by the bot ("request") or by the stand-in ("answer", "event"). */
export interface Violation {
  readonly where: "request" | "answer" | "event" | "route";
  /** "METHOD /path", or the gateway event's name. */
  readonly what: string;
  readonly problem: string;
}

interface RouteSchemas {
  readonly body?: string;
  readonly answers?: Readonly<Record<string, string>>;
  readonly query?: readonly string[];
}

interface Schema {
  safeParse(value: unknown): { success: true; data: unknown } | { success: false; error: { issues: readonly Issue[] } };
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly errors?: readonly (readonly Issue[])[];
}

export interface Validator {
  request(route: string, body: unknown, query: URLSearchParams): void;
  answer(route: string, status: number, body: unknown): void;
  /** A payload of the gateway, or a part of one, against a schema by name. */
  event(name: string, schema: string, payload: unknown): void;
}

/** What discord.js puts into every message body it makes, whatever the route. */
const DISCORD_JS_EXTRAS = "discord.js sends these with every message body; Discord ignores what a route does not know";

/** Where the description and the wire differ, with the reason. The fields are left out before checking if `isRight`. */
const EXEMPTIONS: readonly {
  readonly schema: RegExp;
  /** Names from the top, e.g. ["data", "tts"]. */
  readonly path: readonly string[];
  readonly isRight: (value: unknown) => boolean;
  readonly reason: string;
}[] = [
  {
    schema: /^ApplicationCommand(Create|Update|Patch)Request/,
    path: ["default_member_permissions"],
    isRight: (value) => typeof value === "string" && /^\d+$/.test(value),
    reason: "described as an integer; the reference, discord.js and Discord itself use a string of the bit set",
  },
  {
    schema: /^ErrorResponse$/,
    path: ["errors"],
    isRight: (value) => typeof value === "object" && value !== null,
    reason:
      "the codes inside are described as numbers; the reference and Discord give names such as BASE_TYPE_MAX_LENGTH",
  },
  {
    schema: /^(Basic)?MessageResponse$/,
    path: ["message_reference"],
    isRight: (value) => (value as { type?: unknown } | undefined)?.type === 1,
    reason: "only type 0 is described; a forward has type 1 (reference: message reference types)",
  },
  ...["tts", "enforce_nonce", "nonce", "poll", "sticker_ids", "message_reference"].flatMap((name) => [
    {
      schema: /^(MessageEdit|IncomingWebhook)/,
      path: [name],
      isRight: (value: unknown) => value === undefined || value === false,
      reason: DISCORD_JS_EXTRAS,
    },
    {
      schema: /MessageInteractionCallbackRequest$/,
      path: ["data", name],
      isRight: (value: unknown) => value === undefined || value === false,
      reason: DISCORD_JS_EXTRAS,
    },
  ]),
];

/** @param report gets every violation as it is found */
export async function createValidator(report: (violation: Violation) => void): Promise<Validator> {
  // By a variable: the package declares its untyped JavaScript as its types. Loaded only here, so the demo runs without it.
  const specification = "discord-api-spec/zod";
  const schemas = (await import(specification)) as Readonly<Record<string, Schema>>;
  const table = JSON.parse(readFileSync(new URL("./route-table.json", import.meta.url), "utf8")) as Record<
    string,
    RouteSchemas
  >;

  /** What is wrong with a value by a schema expression: "Name", "Name[]", "A | B" or "(A | B)[]". */
  function problemsOf(expression: string, value: unknown, at: readonly PropertyKey[] = []): string[] {
    if (expression.endsWith("[]")) {
      if (!Array.isArray(value)) return [`${at.join(".")}: not a list`];
      const item = expression.slice(0, -2).replace(/^\((.*)\)$/, "$1");
      return value.flatMap((entry, index) => problemsOf(item, entry, [...at, index]));
    }
    const attempts = expression.split(" | ").map((name) => problemsOfOne(name, value, at));
    return closest(attempts, (problem) => problem.startsWith([...at, "type"].join(".")));
  }

  function problemsOfOne(name: string, value: unknown, at: readonly PropertyKey[]): string[] {
    const schema = schemas[`${name}Schema`];
    if (!schema) return [`the description has no schema ${name}`];
    const mended = withExemptions(name, value);
    const result = schema.safeParse(mended);
    if (result.success) return unknownKeys(mended, result.data, at);
    return flatten(result.error.issues).map(({ path, message }) => `${[...at, ...path].join(".")}: ${message}`);
  }

  return {
    request(route, body, query) {
      const { body: expression, query: known = [] } = table[route] ?? {};
      const strange = [...query.keys()].filter((name) => !known.includes(name));
      const problems = [
        ...strange.map((name) => `query ${name} is unknown`),
        ...(expression && body !== undefined ? problemsOf(expression, body) : []),
      ];
      for (const problem of problems) report({ where: "request", what: route, problem });
    },
    answer(route, status, body) {
      const answers = table[route]?.answers;
      if (!answers) return report({ where: "route", what: route, problem: "the description has no such route" });
      const isSuccess = status < 300;
      const fallback = status === 429 ? "RatelimitedResponse" : "ErrorResponse";
      const expression = isSuccess ? answers[String(status)] : fallback;
      if (expression === undefined)
        return report({ where: "answer", what: route, problem: `status ${status} is not described` });
      const problems = expression === "" ? [] : problemsOf(expression, body);
      for (const problem of problems) report({ where: "answer", what: `${route} (${status})`, problem });
    },
    event(name, schema, payload) {
      for (const problem of problemsOf(schema, payload)) report({ where: "event", what: name, problem });
    },
  };
}

/** The value without the fields that an exemption covers. */
function withExemptions(schema: string, value: unknown): unknown {
  return EXEMPTIONS.filter((exemption) => exemption.schema.test(schema)).reduce(
    (rest, { path, isRight }) => without(rest, path, isRight),
    value,
  );
}

function without(value: unknown, [name, ...deeper]: readonly string[], isRight: (value: unknown) => boolean): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || name === undefined || !(name in value))
    return value;
  const { [name]: part, ...rest } = value as Record<string, unknown>;
  if (deeper.length > 0) return { ...rest, [name]: without(part, deeper, isRight) };
  return isRight(part) ? rest : value;
}

/** Keys that the schema does not know were dropped while parsing; a misspelt field shows up here. */
function unknownKeys(given: unknown, parsed: unknown, at: readonly PropertyKey[]): string[] {
  if (Array.isArray(given)) {
    const list = Array.isArray(parsed) ? parsed : [];
    return given.flatMap((entry, index) => unknownKeys(entry, list[index], [...at, index]));
  }
  if (typeof given !== "object" || given === null) return [];
  const known = (parsed ?? {}) as Record<string, unknown>;
  return Object.entries(given).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (!(key in known)) return [`${[...at, key].join(".")}: the description knows no such field`];
    return unknownKeys(value, known[key], [...at, key]);
  });
}

/** The most specific issues: inside a union, those of the choice that came closest. */
function flatten(issues: readonly Issue[]): Issue[] {
  return issues.flatMap((issue) => {
    if (!issue.errors?.length) return [issue];
    const choice = closest(issue.errors.map(flatten), ({ path }) => path.length === 1 && path[0] === "type");
    return choice.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });
}

/** Of a union's choices the one with the right `type`, and then the one with the fewest problems. */
function closest<T>(choices: readonly T[][], isAboutType: (problem: T) => boolean): T[] {
  const cost = (problems: readonly T[]) => problems.length + (problems.some(isAboutType) ? 1000 : 0);
  return choices.reduce((best, choice) => (cost(choice) < cost(best) ? choice : best));
}
