// Why a message of an export cannot be used, in words of whoever made the file rather than of the library that checks it.

import type { z } from "zod";

/** @param whole what to call the value itself, e.g. "line" */
export function plainProblem(error: z.ZodError, value: unknown, whole: string): string {
  const [issue] = error.issues;
  const path = issue?.path.map(String) ?? [];
  return `${path.join(".") || whole}: ${issue === undefined ? "not usable" : reason(issue, valueAt(value, path))}`;
}

function reason(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined || value === null) return "missing";
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

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
