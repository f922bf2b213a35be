// Reads a message of an export; why one cannot be used is said in words of whoever made the file rather than of the library that checks it.

import type { z } from "zod";

/** @param whole what to call the value itself, e.g. "line" */
export function parsedJson<T>(
  schema: z.ZodType<T>,
  json: string,
  whole: string,
): { readonly value: T } | { readonly problem: string } {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    return { problem: "not JSON" };
  }
  const parsed = schema.safeParse(given, { reportInput: true });
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join(".");
  return { problem: `${path || whole}: ${issue === undefined ? "not usable" : reason(issue)}` };
}

function reason(issue: z.core.$ZodIssue): string {
  if (issue.input === undefined || issue.input === null) return "missing";
  if (issue.code === "custom" || issue.code === "invalid_union") return issue.message;
  if (issue.code === "too_small") return "empty";
  return issue.code === "invalid_type" ? `not ${KINDS[issue.expected] ?? "of the right kind"}` : "not usable";
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  array: "a list",
  object: "an object with its fields",
  boolean: "true or false",
};
