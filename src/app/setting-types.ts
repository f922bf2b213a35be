// What a setting's value can be, and how a wrong one is told.

import { z } from "zod";

export const trimmed = z.string().trim();
export const text = trimmed.min(1);
export const decimal = (meaning: string) =>
  trimmed.regex(/^\d+(\.\d+)?$/, `must be ${meaning}, e.g. 5 or 2.5`).transform(Number);
export const positive = (meaning: string) =>
  decimal(meaning).refine((given) => given > 0, `must be ${meaning}, more than 0`);
export const whole = (meaning: string) =>
  trimmed.regex(/^[1-9]\d*$/, `must be ${meaning}, a whole number of at least 1`).transform(Number);
export const url = (example: string) => trimmed.regex(/^https?:\/\/\S+$/i, `must be an address like ${example}`);
